using System.Collections.Immutable;

namespace MemLoad;

public sealed partial class Checkpoint : IWeightSource
{
    /// <inheritdoc/>
    public ImmutableArray<long> StorageLengths { get; }

    /// <summary>Streams the raw bytes of one storage straight from its file.</summary>
    /// <param name="storage">Index into <see cref="Storages"/>.</param>
    /// <param name="sink">Takes the bytes, at most 1 MiB at a time.</param>
    /// <exception cref="MemLoadException">The file is gone, has changed or cannot be read (ML1001 to ML1007).</exception>
    public void StreamStorage(int storage, ElementSink sink) => StreamElements(TensorEntry.OfStorage(storage, Storages[storage].Length), sink);

    /// <summary>Streams the elements of one tensor straight from its file, contiguous and row-major.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>.</param>
    /// <param name="sink">Takes the elements, at most 1 MiB at a time.</param>
    /// <exception cref="MemLoadException">The file is gone, has changed or cannot be read (ML1001 to ML1007).</exception>
    public void StreamElements(TensorEntry tensor, ElementSink sink)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.ElementCount == 0)
        {
            return;
        }
        Extent storage = Storages[tensor.Storage];
        using var memory = new FileExtent(CheckpointFileReader.Reopen(Files[storage.File]), Files[storage.File]);
        TensorElements.Stream(tensor, memory, storage.Offset, sink);
    }

    // A file behind the face of memory: read in pieces where that will do, mapped where elements are scattered.
    private sealed class FileExtent(CheckpointFileReader reader, CheckpointFile file) : MemoryBuffer(file.Length)
    {
        public override void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public override void Read(long offset, Span<byte> destination) => reader.ReadExactly(offset, destination);

        public override HostView MapForHost()
        {
            var mapped = MappedFile.Open(file);
            return new HostView(mapped.Address, mapped);
        }

        protected override void Dispose(bool disposing) => reader.Dispose();
    }
}
