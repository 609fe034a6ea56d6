namespace MemLoad;

/// <summary>
/// Activations of a forward pass: float32, one row per token. The memory is outside the garbage-collected heap and is freed at the end of
/// the pass.
/// </summary>
internal sealed unsafe class ActivationMatrix(int tokens, int width) : IDisposable
{
    private const nuint CacheLine = 64;

    /// <summary>Address of the first token's row.</summary>
    public float* Address { get; private set; } =
        (float*)NativeMemory.AlignedAlloc(checked((nuint)tokens * (nuint)width * sizeof(float)), CacheLine);

    public int Tokens { get; } = tokens;

    /// <summary>Numbers per row. The next row follows without a gap.</summary>
    public int Width { get; } = width;
    public Span<float> this[int token] => new(Address + ((nint)token * Width), Width);

    public void Clear() => NativeMemory.Clear(Address, (nuint)Tokens * (nuint)Width * sizeof(float));

    public void Dispose()
    {
        NativeMemory.AlignedFree(Address);
        Address = null;
        GC.SuppressFinalize(this);
    }

    ~ActivationMatrix()
    {
        NativeMemory.AlignedFree(Address);
    }
}
