namespace MemLoad.Cli;

/// <summary>The options that decide which rows are a warning or a failure, and which of them the exit code reports.</summary>
internal sealed class BoundOptions
{
    private static readonly Words<RowStatus?> FailWords =
        new("status", ("fail", RowStatus.Fail), ("warn", RowStatus.Warn), ("never", null));

    private readonly Option<LoadBounds?> _warnAbove = Option(
        "--warn-above", "Bounds of a load above which its row is a warning: time=2s, host=4GB, device=8GB, separated by commas.");

    private readonly Option<LoadBounds?> _failAbove = Option(
        "--fail-above", "Bounds of a load above which its row fails, as for --warn-above.");

    private readonly WordOption<RowStatus?> _failOn = FailWords.Option(
        "--fail-on", "Which rows give the exit code 1: failed rows, also rows with warnings, or none.", "fail");

    public string[] Names => [_warnAbove.Name, _failAbove.Name, _failOn.Name];

    public void AddTo(Command command) => command.AddAll(_warnAbove, _failAbove, _failOn);

    /// <summary>Returns a request with the bounds of the command line.</summary>
    public MeasureRequest Apply(MeasureRequest request, ParseResult parsed) =>
        request with { WarnAbove = parsed.GetValue(_warnAbove), FailAbove = parsed.GetValue(_failAbove) };

    /// <summary>Returns a request with the bounds of the command line.</summary>
    public ProgramRequest Apply(ProgramRequest request, ParseResult parsed) =>
        request with { WarnAbove = parsed.GetValue(_warnAbove), FailAbove = parsed.GetValue(_failAbove) };

    /// <summary>Returns the exit code of a run that was not interrupted.</summary>
    public int ExitCodeOf(IReadOnlyList<LoadMeasurement> rows, ParseResult parsed) =>
        _failOn.Read(parsed) is RowStatus worst && rows.Any(row => Enum.TryParse(row.Status, out RowStatus status) && status >= worst)
            ? ExitCode.Failed : ExitCode.Done;

    private static Option<LoadBounds?> Option(string name, string description) => new WordListOption<LoadBounds?>(
        name, word => word.Contains('='))
    {
        Description = description,
        HelpName = "figure=value",
        // PowerShell passes time=2s,host=4GB to a program as two arguments.
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result =>
        {
            if (LoadBounds.TryParse(Lists.Split(result.Tokens), out LoadBounds bounds, out string? wrong))
            {
                return bounds;
            }
            result.AddError($"'{wrong}' is not a bound for {name}: {LoadBounds.Syntax}");
            return null;
        },
    };
}
