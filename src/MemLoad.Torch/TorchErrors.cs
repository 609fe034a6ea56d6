namespace MemLoad.Torch;

/// <summary>Converts errors of libtorch to errors of MemLoad.</summary>
internal static class TorchErrors
{
    private static readonly string[] NoDeviceMemory =
    [
        "CUDA out of memory", "CUDA error: out of memory", "CUDA driver error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED",
        "CUDNN_STATUS_ALLOC_FAILED",
    ];

    /// <summary>
    /// Returns the rule for an error of libtorch. The first line of its text is the error, and the rest is its call stack.
    /// </summary>
    public static MemLoadException From(string message, Exception? inner = null)
    {
        string first = message.Split('\n', 2)[0].Trim().TrimEnd('.');
        Rule rule =
            Array.Exists(NoDeviceMemory, text => first.Contains(text, StringComparison.OrdinalIgnoreCase)) ? Rules.DeviceMemoryExhausted
            : first.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)
            || first.Contains("not enough memory", StringComparison.OrdinalIgnoreCase)
                ? Rules.HostMemoryExhausted
                : Rules.TorchFailed;
        return rule.Broken(first, innerException: inner);
    }
}
