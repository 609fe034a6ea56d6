namespace MemLoad.Cli;

/// <summary><c>memload measure … -- PROGRAM</c>: measures another program with the columns of a load.</summary>
internal sealed class MeasureProgram
{
    private readonly Option<string?> _name = new("--name")
    {
        Description = "With a program after '--': its name in the rows. [default: the program and its first argument]",
        HelpName = "name",
    };

    /// <summary>
    /// Adds the option of programs to a command, and refuses options that do not apply. If <paramref name="program"/> is null, loads are
    /// measured. The list <paramref name="shared"/> has the options that apply to programs, too.
    /// </summary>
    public void AddTo(Command command, IReadOnlyList<string>? program, params string[] shared)
    {
        bool isProgram = program is not null;
        command.Add(_name);
        command.Validators.Add(result =>
        {
            if (program is { Count: 0 })
            {
                result.AddError("A program is missing after '--'");
                return;
            }
            string? wrong = command.Options.Where(option => result.GetResult(option) is { Implicit: false }).Select(option => option.Name)
                .FirstOrDefault(option => isProgram ? option != _name.Name && !shared.Contains(option) : option == _name.Name);
            if (wrong is not null)
            {
                result.AddError(isProgram ? $"'{wrong}' applies to loads, and a program follows '--'"
                    : $"'{wrong}' applies to a program, and no program follows '--'");
            }
        });
    }

    /// <summary>
    /// Measures the program several times. Its output goes to standard error. The samples are written after each run. Cancellation kills
    /// the program.
    /// </summary>
    public async Task<MeasureRun> RunAsync(ParseResult parsed, ProgramRequest request, int repeat,
        PendingSamples samples, Action<IReadOnlyList<LoadMeasurement>> print,
        Func<IReadOnlyList<LoadMeasurement>, int> exitCode, CliConsole console, CancellationToken cancellationToken)
    {
        request = parsed.GetValue(_name) is string name ? request with { Name = name } : request;
        var measurer = new ProgramMeasurer(console.Error.WriteLine, samples.Receiver);
        var rows = new List<LoadMeasurement>();
        for (int run = 1; run <= repeat && !cancellationToken.IsCancellationRequested; run++)
        {
            rows.Add(await measurer.MeasureAsync(request with { Run = run }, cancellationToken).ConfigureAwait(false));
            print([rows[^1]]);
            _ = samples.Write(CancellationToken.None);
        }
        return MeasureRun.Of(rows, exitCode, cancellationToken);
    }
}
