namespace MemLoad.Cli;

/// <summary><c>memload report</c>: writes rows of earlier runs as one page.</summary>
internal static class ReportCommand
{
    public const string Description =
        "Write a report of rows: memory over time, peaks, time and verdicts in one HTML file that needs no network.";

    public static Command Build(CliConsole console)
    {
        var paths = new PathOperand("Rows of earlier runs: what 'measure' printed with --format csv or json, or Export-Csv or "
            + "ConvertTo-Json wrote.", several: true, isCheckpoint: false);
        Option<string[]> timelines = CommonOptions.Paths("--timeline-path",
            "Samples of those runs, from 'measure --timeline-path', for the pictures over time. Repeat the option for more files.");
        Option<string?> target = CommonOptions.Path(
            "--out", "The HTML file to write, or with the extension .prom the metrics of the rows for Prometheus.", required: true);
        Option<string?> pictures = CommonOptions.Path("--picture-path",
            "A folder to write each picture to as an SVG and a PNG file, for example for a wiki.");
        Option<string[]> baselines = CommonOptions.Paths("--baseline-path",
            "Rows of an earlier measurement. The report lists the loads that are worse now. Repeat the option for more files.");
        Option<bool> force = CommonOptions.Force();

        var command = new Command("report", Description)
        {
            timelines, target, pictures, baselines, force,
        };
        paths.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(target) is string file && LoadMetrics.IsTarget(file)
                && (result.GetResult(timelines) ?? result.GetResult(pictures) ?? (object?)result.GetResult(baselines)) is not null)
            {
                result.AddError("Metrics have no pictures: --timeline-path, --picture-path and --baseline-path apply only to a page");
            }
        });
        command.Runs((parsed, cancellationToken) =>
        {
            LoadMeasurement[] rows = [.. paths.ReadAll(parsed).SelectMany(path => RowFile.Read(path, cancellationToken))];
            string file = parsed.GetValue(target)!;
            if (LoadMetrics.IsTarget(file))
            {
                string metrics = LoadMetrics.Write(rows, file, model: null, cancellationToken);
                console.Out.WriteLine($"{Printable.Text(metrics)}: metrics of {Figures.Count(rows.Length, "row")}");
                return ExitCode.Done;
            }
            LoadTimeline[] samples = [.. (parsed.GetValue(timelines) ?? []).SelectMany(path => TimelineFile.Read(path, cancellationToken))];
            var options = new LoadReportOptions
            {
                PicturePath = parsed.GetValue(pictures),
                Overwrite = parsed.GetValue(force),
                Baseline = parsed.GetValue(baselines) is { Length: > 0 } earlier
                    ? [.. earlier.SelectMany(path => RowFile.Read(path, cancellationToken))]
                    : null,
            };
            LoadReportInfo written = LoadReport.Write(rows, samples, file, options, cancellationToken);
            string size = $"{Figures.Count(written.RowCount, "row")}, {Figures.Count(written.PictureCount, "picture")}, "
                + $"{Printable.Bytes(written.FileBytes)}"
                + (written.UnusedTimelineCount is int unused and > 0 ? $", {Figures.Count(unused, "sampled load")} without a row" : "")
                + (written.WorseCount is int worse ? $", {Figures.Count(worse, "load")} worse than the baseline" : "");
            console.Out.WriteLine($"{Printable.Text(written.Path)}: {size}");
            if (written.Warning is string warning)
            {
                console.Error.WriteLine($"memload: warning: {char.ToLowerInvariant(warning[0])}{warning[1..]}");
            }
            return ExitCode.Done;
        });
        return command;
    }
}
