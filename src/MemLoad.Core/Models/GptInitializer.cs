using System.Buffers;
using System.Collections.Frozen;

namespace MemLoad;

/// <summary>
/// The weights of a new GPT model, generated while they are streamed. The memory does not depend on the size of the model. The
/// distributions are those of the default initialization in PyTorch. Embeddings are N(0, 1). Weights and biases of linear layers are
/// U(−1/√inputs, 1/√inputs). Scales are 1, shifts are 0, and masks are 1 above the diagonal. The numbers differ from PyTorch. An element
/// depends only on the seed, the tensor name and the index, and not on pieces, threads and the processor. Several threads can use it.
/// </summary>
internal sealed class GptInitializer : IWeightSource
{
    private const int PieceBytes = 1 << 20;

    private readonly long _seed;
    private readonly FrozenDictionary<string, Distribution> _distributions;

    /// <summary>
    /// Prepares the weights of one model. Equal seeds give equal weights. Those of float16 and bfloat16 are the float32 weights, rounded to
    /// the nearest value, ties to even.
    /// </summary>
    /// <exception cref="MemLoadException">ML6022: the dimensions are invalid; ML6023: the dtype is not supported.</exception>
    public GptInitializer(GptConfig config, long seed, DType dtype = DType.Float32)
    {
        CheckDType(dtype);
        _seed = seed;
        _distributions = config.Layout().ToFrozenDictionary(tensor => tensor.Name, tensor => tensor.Distribution, StringComparer.Ordinal);
        Spec = config.ToSpec(dtype);
        Tensors =
        [
            .. Spec.Tensors.Select((tensor, index) =>
                new TensorEntry(tensor.Name, tensor.DType, tensor.Shape, ShapeMath.ContiguousStrides(tensor.Shape), index, 0)),
        ];
        StorageLengths = [.. Tensors.Select(tensor => tensor.Bytes)];
    }

    public ModelSpec Spec { get; }
    public ImmutableArray<TensorEntry> Tensors { get; }
    public ImmutableArray<long> StorageLengths { get; }

    public void StreamStorage(int storage, ElementSink sink)
    {
        TensorSpec tensor = Spec.Tensors[storage];
        int size = tensor.DType.ElementSize();
        byte[] piece = ArrayPool<byte>.Shared.Rent((int)Math.Min(PieceBytes, StorageLengths[storage]));
        try
        {
            for (long done = 0; done < StorageLengths[storage];)
            {
                Span<byte> part = piece.AsSpan(
                    0, (int)Math.Min(Math.Min(PieceBytes, piece.Length / size * size), StorageLengths[storage] - done));
                Fill(tensor, part, done / size);
                sink(part);
                done += part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Generates the elements of one of <see cref="Tensors"/>, at most 1 MiB at a time.</summary>
    /// <exception cref="ArgumentException">The tensor does not belong to this source.</exception>
    public void StreamElements(TensorEntry tensor, ElementSink sink)
    {
        if (tensor.Storage < 0 || tensor.Storage >= Tensors.Length || Tensors[tensor.Storage] != tensor)
        {
            throw new ArgumentException($"'{tensor.Name}' is not a tensor of this model.", nameof(tensor));
        }
        StreamStorage(tensor.Storage, sink);
    }

    /// <summary>
    /// Generates elements [<paramref name="firstElement"/>, …) of a tensor of the model in place. Its dtype is float32, float16 or
    /// bfloat16, and can differ from that of the source.
    /// </summary>
    /// <exception cref="ArgumentException">The tensor does not belong to this model, or the piece is not in it.</exception>
    /// <exception cref="MemLoadException">ML6023.</exception>
    public void Fill(TensorSpec spec, Span<byte> destination, long firstElement)
    {
        WeightInitializer.CheckPiece(spec, destination, firstElement);
        CheckDType(spec.DType);
        if (!_distributions.TryGetValue(spec.Name, out Distribution distribution))
        {
            throw new ArgumentException($"'{spec.Name}' is not a tensor of this model.", nameof(spec));
        }
        WeightInitializer.Fill(distribution, CounterRandom.ForTensor(_seed, spec.Name), spec.DType, destination, firstElement);
    }

    private static void CheckDType(DType dtype)
    {
        if (dtype is not (DType.Float32 or DType.Float16 or DType.BFloat16))
        {
            throw Rules.GptDTypeUnsupported.Broken($"a GPT model cannot be created in {dtype.TorchName()}",
                remedy: $"Create it in float32, float16 or bfloat16 ({Setting.DType}).");
        }
    }
}
