namespace MemLoad.Torch;

/// <summary>What libtorch complains of, in MemLoad's words.</summary>
internal static class TorchErrors
{
    /// <summary>The rule that a complaint of libtorch amounts to.</summary>
    /// <param name="message">libtorch's text; its first line says what is wrong, the rest is its call stack.</param>
    /// <param name="inner">The exception it came in.</param>
    public static MemLoadException From(string message, Exception? inner = null)
    {
        string first = message.Split('\n', 2)[0].Trim().TrimEnd('.');
        Rule rule = first.Contains("CUDA out of memory", StringComparison.OrdinalIgnoreCase) || first.Contains("CUDA error: out of memory", StringComparison.OrdinalIgnoreCase)
            ? Rules.DeviceMemoryExhausted
            : first.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase) || first.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
                ? Rules.HostMemoryExhausted
                : Rules.TorchFailed;
        return rule.Broken(first, innerException: inner);
    }
}
