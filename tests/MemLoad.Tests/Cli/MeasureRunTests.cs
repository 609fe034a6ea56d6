using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

public sealed class MeasureRunTests
{
    private static readonly MeasureRequest Request = new(new LoadRequest { Path = "model.pth", Strategy = Strategy.Stream });

    [Theory]
    [InlineData(LoadOutcome.Loaded, 0)]
    [InlineData(LoadOutcome.Refused, 1)]
    [InlineData(LoadOutcome.OutOfMemory, 1)]
    [InlineData(LoadOutcome.Failed, 1)]
    [InlineData(LoadOutcome.Killed, 1)]
    public void One_row_that_did_not_load_fails_the_run_and_the_others_still_run(LoadOutcome outcome, int code)
    {
        MeasureRun run = Run([Rows.Loaded("Meta"), Rows.Loaded("Mmap") with { Outcome = outcome.ToString() }, Rows.Loaded("Stream")]);

        Assert.Equal(code, run.ExitCode);
        Assert.Equal(3, run.Rows.Count);
    }

    [Fact]
    public void An_interrupted_run_keeps_its_rows_and_the_canceled_one_and_starts_no_more()
    {
        using var interrupt = new CancellationTokenSource();
        int started = 0;

        MeasureRun run = Run(4, (_, token) =>
        {
            if (++started < 2)
            {
                return Task.FromResult(Rows.Loaded("Meta"));
            }
            interrupt.Cancel();
            return Task.FromResult(Rows.Failed("Mmap", LoadOutcome.Canceled, "interrupted"));
        }, interrupt.Token);

        Assert.Equal(130, run.ExitCode);
        Assert.Equal([nameof(LoadOutcome.Loaded), nameof(LoadOutcome.Canceled)], run.Rows.Select(row => row.Outcome));
        Assert.Equal(2, started);
    }

    [Fact]
    public void A_load_that_throws_on_interrupt_costs_no_finished_row()
    {
        using var interrupt = new CancellationTokenSource();

        MeasureRun run = Run(3, (_, token) =>
        {
            if (interrupt.IsCancellationRequested)
            {
                token.ThrowIfCancellationRequested();
            }
            interrupt.Cancel();
            return Task.FromResult(Rows.Loaded("Meta"));
        }, interrupt.Token);

        Assert.Equal(130, run.ExitCode);
        Assert.Single(run.Rows);
    }

    [Fact]
    public void A_row_of_CSV_is_printed_before_the_next_load_begins()
    {
        using var text = new StringWriter();
        var output = new MeasuredOutput(OutputFormat.Csv, CliConsole.ForWriters(text, TextWriter.Null));
        var lines = new List<int>();

        MeasureRun run = Run(3, (_, _) =>
        {
            lines.Add(text.ToString().Count(c => c == '\n'));
            return Task.FromResult(Rows.Loaded("Meta", run: lines.Count));
        }, CancellationToken.None, output.Add);
        output.End(run.Rows, inProcess: false);

        Assert.Equal([0, 2, 3], lines);
        Assert.Equal(Rows.Print(console => CsvWriter.Write(run.Rows, JsonOutput.Types.LoadMeasurement, console.Out)), text.ToString());
        using var none = new StringWriter();
        new MeasuredOutput(OutputFormat.Csv, CliConsole.ForWriters(none, TextWriter.Null)).End([], inProcess: false);
        Assert.StartsWith("Strategy,", none.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_of_JSON_is_printed_before_the_next_load_begins()
    {
        using var text = new StringWriter();
        var output = new MeasuredOutput(OutputFormat.Json, CliConsole.ForWriters(text, TextWriter.Null));
        var printed = new List<int>();

        MeasureRun run = Run(3, (_, _) =>
        {
            printed.Add(text.ToString().Split("\"Strategy\"").Length - 1);
            return Task.FromResult(Rows.Loaded("Meta", run: printed.Count) with { Path = "/tmp/m\n\u00fc.pth" });
        }, CancellationToken.None, output.Add);
        output.End(run.Rows, inProcess: false);

        Assert.Equal([0, 1, 2], printed);
        using var whole = new StringWriter();
        JsonOutput.Write([.. run.Rows], JsonOutput.Types.LoadMeasurementArray, whole);
        Assert.Equal(whole.ToString(), text.ToString());
        using var none = new StringWriter();
        new MeasuredOutput(OutputFormat.Json, CliConsole.ForWriters(none, TextWriter.Null)).End([], inProcess: false);
        Assert.Equal("[]\n", none.ToString());
    }

    internal static MeasureRun Run(IReadOnlyList<LoadMeasurement> rows)
    {
        var next = new Queue<LoadMeasurement>(rows);
        return Run(rows.Count, (_, _) => Task.FromResult(next.Dequeue()), CancellationToken.None);
    }

    private static MeasureRun Run(
        int requests,
        Func<MeasureRequest, CancellationToken, Task<LoadMeasurement>> measure,
        CancellationToken cancellationToken,
        Action<IReadOnlyList<LoadMeasurement>>? print = null)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var view = new LiveView(CliConsole.ForWriters(output, error), ticks: true);
        return MeasureRun.ExecuteAsync(
            [.. Enumerable.Repeat<IReadOnlyList<MeasureRequest>>([Request], requests)],
            async (turn, token) => [await measure(turn[0], token)], null, view, print ?? (_ => { }),
            rows => rows.All(row => row.IsLoaded) ? 0 : 1, cancellationToken).GetAwaiter().GetResult();
    }
}
