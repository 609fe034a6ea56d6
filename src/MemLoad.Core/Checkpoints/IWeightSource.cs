namespace MemLoad;

/// <summary>The source of a writer: tensors, storages and their bytes, from a file, from memory or from a generator.</summary>
/// <remarks>
/// A writer uses it on one thread. <see cref="WeightsDigest"/> streams several tensors at a time, each on its own thread.
/// </remarks>
public interface IWeightSource
{
    /// <summary>The tensors, names unique, in the order in which to write them.</summary>
    ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>Length in bytes of each storage that the tensors refer to.</summary>
    ImmutableArray<long> StorageLengths { get; }

    /// <summary>Streams the raw bytes of a storage, at most 1 MiB at a time.</summary>
    void StreamStorage(int storage, ElementSink sink);

    /// <summary>Streams the elements of a tensor, contiguous and row-major, at most 1 MiB at a time.</summary>
    /// <exception cref="ArgumentException">The tensor is not in the storages of this source.</exception>
    void StreamElements(TensorEntry tensor, ElementSink sink);
}
