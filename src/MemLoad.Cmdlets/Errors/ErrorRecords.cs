namespace MemLoad.Errors;

/// <summary>
/// Converts exceptions to error records. The id of the rule is the error id, so that <c>FullyQualifiedErrorId</c> is stable.
/// </summary>
internal static class ErrorRecords
{
    // Messages are bounded where they are created. This limit is higher.
    private const int LongestMessage = 20_000;

    /// <summary>
    /// Returns whether an exception becomes a record. PowerShell's own exceptions do not: they end a pipeline or have a record already.
    /// </summary>
    public static bool AreFor(Exception exception) =>
        exception is not (IContainsErrorRecord or FlowControlException or OperationCanceledException);

    /// <summary>Returns the record for one failure.</summary>
    /// <param name="exception">The exception. Any exception except <see cref="MemLoadException"/> is unexpected.</param>
    /// <param name="target">The object that was processed. The path in the exception takes precedence.</param>
    public static ErrorRecord From(Exception exception, object? target)
    {
        ArgumentNullException.ThrowIfNull(exception);
        // Shells also print the target (Get-Error, $ErrorView).
        target = target is string text ? Printable.Text(RemoteAddress.Shown(text)) : target;
        return exception is MemLoadException broken
            ? Record(broken, broken.Rule.Id, broken.Path ?? target)
            : Record(
                Rules.Unexpected.Broken($"{exception.GetType().Name}: {exception.Message.TrimEnd('.')}", innerException: exception,
                    remedy: "Report it with the output of (Get-Error).Exception.InnerException.StackTrace."),
                Rules.Unexpected.Id, target);
    }

    /// <summary>Returns the record for a load that did not succeed: the message of its row, with the id of the broken rule.</summary>
    /// <returns>Null for a load that succeeded. The target is the path, or the name of a program that loads no known checkpoint.</returns>
    public static ErrorRecord? From(LoadMeasurement row) => row.Problem() is (string rule, string text)
        ? Record(new InvalidOperationException(Printable.Line(text, LongestMessage)), rule, Printable.Text(row.Path ?? row.Strategy))
        : null;

    /// <summary>Returns the record for one failure after which results are kept. They are the target of the record.</summary>
    public static ErrorRecord Keeping(MemLoadException broken, object kept) => Record(broken, broken.Rule.Id, kept);

    // Shells print the details. They begin with the id, as errors of the command line and messages of rows do.
    private static ErrorRecord Record(Exception exception, string rule, object? target) =>
        new(exception, rule, CategoryOf(rule), target) { ErrorDetails = new ErrorDetails($"{rule}: {exception.Message}") };

    private static ErrorCategory CategoryOf(string rule) => rule switch
    {
        "ML1001" or "ML6005" or "ML6006" or "ML6030" => ErrorCategory.ObjectNotFound,
        "ML1002" => ErrorCategory.PermissionDenied,
        "ML1007" => ErrorCategory.ReadError,
        "ML1009" => ErrorCategory.InvalidArgument,
        "ML6008" or "ML6009" or "ML6020" or "ML6022" or "ML6025" or "ML6026" => ErrorCategory.InvalidArgument,
        "ML6027" or "ML6028" => ErrorCategory.InvalidOperation,
        "ML7001" or "ML7002" => ErrorCategory.ResourceUnavailable,
        "ML7003" => ErrorCategory.InvalidArgument,
        "ML7004" => ErrorCategory.NotInstalled,
        "ML7005" or "ML7006" => ErrorCategory.LimitsExceeded,
        "ML8002" => ErrorCategory.InvalidResult,
        "ML8014" => ErrorCategory.OperationStopped,
        "ML9102" => ErrorCategory.ResourceExists,
        "ML9103" => ErrorCategory.OpenError,
        "ML9104" or "ML9105" => ErrorCategory.WriteError,
        "ML9999" => ErrorCategory.NotSpecified,
        _ => rule[2] switch
        {
            '7' => ErrorCategory.ResourceUnavailable,
            '8' => ErrorCategory.OperationStopped,
            '9' => ErrorCategory.InvalidArgument,
            _ => ErrorCategory.InvalidData,
        },
    };
}
