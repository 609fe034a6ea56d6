using System.Collections.Immutable;

namespace MemLoad;

/// <summary>What a writer writes: tensors over storages and the bytes of both, wherever they come from (a file, memory, a generator).</summary>
public interface IWeightSource
{
    /// <summary>The tensors, names unique, in the order in which to write them.</summary>
    ImmutableArray<TensorEntry> Tensors { get; }

    /// <summary>Length in bytes of each storage that the tensors refer to.</summary>
    ImmutableArray<long> StorageLengths { get; }

    /// <summary>Streams the raw bytes of a storage, at most 1 MiB at a time.</summary>
    void StreamStorage(int storage, ElementSink sink);

    /// <summary>Streams the elements of a tensor, contiguous and row-major, at most 1 MiB at a time.</summary>
    void StreamElements(TensorEntry tensor, ElementSink sink);
}
