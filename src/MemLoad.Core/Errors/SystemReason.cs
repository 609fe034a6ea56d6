namespace MemLoad;

/// <summary>The reasons that the system gives for an error, as parts of findings.</summary>
internal static class SystemReason
{
    // .NET appends the path to the reason. The finding or its place states the path.
    private const string BeforePath = " : '";

    /// <summary>Returns the reason without the path and without a final period, such as <c>Input/output error</c>.</summary>
    public static string Of(Exception failure)
    {
        string reason = failure.Message.TrimEnd('.');
        int path = reason.IndexOf(BeforePath, StringComparison.Ordinal);
        return path < 0 ? reason : reason[..path];
    }
}
