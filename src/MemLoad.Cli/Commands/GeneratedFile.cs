namespace MemLoad.Cli;

/// <summary>The generated checkpoint in the cache folder, made once, with a bar.</summary>
internal static class GeneratedFile
{
    public static string Ensure(string size, CliConsole console, CancellationToken cancellationToken)
    {
        using var status = new StatusLine(console);
        long total = GptConfig.TryFromSize(size, out GptConfig? config) ? Bytes(config) : 0;
        return GeneratedCheckpoint.Ensure(size, status.Bytes($"making {size} once", total), cancellationToken);
    }

    private static long Bytes(GptConfig config) =>
        config.ToSpec().Tensors.Sum(tensor => ShapeMath.ElementCount(tensor.Shape) * tensor.DType.ElementSize());
}
