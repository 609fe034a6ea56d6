namespace MemLoad;

public sealed partial class Checkpoint : IWeightSource
{
    /// <inheritdoc/>
    public ImmutableArray<long> StorageLengths { get; }

    /// <summary>Streams the raw bytes of one storage straight from its file.</summary>
    /// <param name="storage">Index into <see cref="Storages"/>.</param>
    /// <param name="sink">Takes the bytes, at most 1 MiB at a time.</param>
    /// <exception cref="MemLoadException">The file does not exist, has changed or cannot be read (ML1001 to ML1007).</exception>
    public void StreamStorage(int storage, ElementSink sink) =>
        StreamElements(TensorEntry.OfStorage(storage, Storages[storage].Length), sink);

    /// <summary>Streams the elements of one tensor straight from its file, contiguous and row-major.</summary>
    /// <param name="tensor">One of <see cref="Tensors"/>, or another view of one of <see cref="Storages"/>.</param>
    /// <param name="sink">Takes the elements, at most 1 MiB at a time.</param>
    /// <exception cref="ArgumentException">The tensor is not in the storages of this checkpoint.</exception>
    /// <exception cref="MemLoadException">The file does not exist, has changed or cannot be read (ML1001 to ML1007).</exception>
    public void StreamElements(TensorEntry tensor, ElementSink sink) => StreamElements(tensor, sink, CancellationToken.None);

    /// <summary>
    /// As <see cref="StreamElements(TensorEntry, ElementSink)"/>, but can also stop before the first element is complete.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    internal void StreamElements(TensorEntry tensor, ElementSink sink, CancellationToken cancellationToken)
    {
        TensorEntry.RequireIn(StorageLengths, tensor);
        ArgumentNullException.ThrowIfNull(sink);
        if (tensor.ElementCount == 0)
        {
            return;
        }
        Extent storage = Storages[tensor.Storage];
        if (storage.IsInChunks)
        {
            ChunkStream.Run(this, storage, tensor, sink, cancellationToken);
            return;
        }
        using CheckpointFileReader reader = CheckpointFileReader.Reopen(Files[storage.File]);
        using var memory = new FileExtent(reader, Files[storage.File], storage, tensor, cancellationToken);
        TensorElements.Stream(tensor, memory, storage.Offset, sink);
    }

    // Presents a file as memory. It is read in pieces if possible. If elements are scattered, the file is mapped. If the file can become
    // shorter during the read, the range of the storage with these elements is read instead.
    private sealed class FileExtent(
        CheckpointFileReader reader,
        CheckpointFile file,
        Extent storage,
        TensorEntry tensor,
        CancellationToken ct) : MemoryBuffer(file.Length)
    {
        private MemoryBuffer? _viewed;

        public override void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public override void Read(long offset, Span<byte> destination) => reader.ReadExactly(offset, destination);

        public override HostView MapForHost()
        {
            if (file.Decoding?.Obstacle is not null)
            {
                return ReadStretch();
            }
            try
            {
                _viewed = MappedFile.Open(file, guard: MapGuard.Required);
                return new HostView(_viewed.Address, null);
            }
            catch (MemLoadException e) when (e.Rule == Rules.MappingUnguarded)
            {
                return ReadStretch();
            }
        }

        public override void RequireIntact()
        {
            _viewed?.RequireIntact();
            reader.RequireUnchanged();
        }

        protected override void Dispose(bool disposing) => _viewed?.Dispose();

        private unsafe HostView ReadStretch()
        {
            const int PieceBytes = 8 << 20;
            long start = storage.Offset + tensor.ByteOffset;
            long length = tensor.DType.Layout().BytesOf(ShapeMath.Span(tensor.Shape, tensor.Strides));
            using var host = new HostMemory();
            _viewed = host.Allocate(length);
            for (long done = 0; done < length; done += PieceBytes)
            {
                ct.ThrowIfCancellationRequested();
                reader.ReadExactly(start + done, new Span<byte>((byte*)_viewed.Address + done, (int)Math.Min(PieceBytes, length - done)));
            }
            return new HostView(_viewed.Address - (nint)start, null);
        }
    }
}
