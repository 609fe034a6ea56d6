namespace MemLoad;

/// <summary>Fills a host buffer as a new model initialises the parameter of that storage.</summary>
internal sealed class StorageInitialiser
{
    // A whole huge page: one that two threads touch first at the same time is cleared twice.
    private const int PieceBytes = 2 << 20;

    // One tensor per storage: the first tensor that uses the storage.
    private readonly TensorEntry?[] _tensors;

    public StorageInitialiser(LoadView view)
    {
        _tensors = new TensorEntry?[view.StorageLengths.Length];
        foreach (TensorEntry tensor in view.Tensors)
        {
            _tensors[tensor.Storage] ??= tensor;
        }
    }

    /// <summary>Fills a buffer with several threads. Each element depends on its number alone, so the result is always the same.</summary>
    public unsafe void Fill(int storage, MemoryBuffer buffer, Workers workers, CancellationToken cancellationToken)
    {
        TensorEntry tensor = _tensors[storage]!;
        ElementLayout layout = tensor.DType.Layout();
        long whole = buffer.Length / layout.Bytes * layout.Bytes;
        int pieceBytes = PieceBytes / layout.Bytes * layout.Bytes;
        var spec = new TensorSpec(
            tensor.Name, tensor.DType, tensor.IsContiguous && tensor.Bytes == buffer.Length ? tensor.Shape : [layout.ElementsIn(whole)]);
        workers.ShareEach((whole + pieceBytes - 1) / pieceBytes, Environment.ProcessorCount, (number, _) =>
        {
            long done = number * pieceBytes;
            var piece = new Span<byte>((byte*)buffer.Address + done, (int)Math.Min(pieceBytes, whole - done));
            buffer.Prepare(done, piece.Length);
            WeightInitializer.Fill(spec, piece, layout.ElementsIn(done));
        }, cancellationToken);
    }
}
