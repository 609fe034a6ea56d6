using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>Prints the steps of plans: one line per phase, with the peaks.</summary>
internal static class StepsView
{
    public static void Write(IEnumerable<LoadPlanStep> steps, CliConsole console)
    {
        foreach (IReadOnlyList<LoadPlanStep> plan in Runs(steps, (_, step) => step.Step == 1))
        {
            WritePlan(plan, console);
        }
    }

    private static void WritePlan(IReadOnlyList<LoadPlanStep> steps, CliConsole console)
    {
        string rank = steps[0].Rank is long number ? $" rank {number}" : "";
        Units units = Units.For(steps.SelectMany(step => new long?[] { step.HostBytes, step.HostFileBytes, step.DeviceReservedBytes }));
        TextTable.Line(console,
            $"{steps[0].Strategy}{rank} on {steps[0].Device}: {Figures.Count(steps.Count, "step")}, held after each phase and at most "
                + $"within it, in {units.Name}",
            new Style(decoration: Decoration.Bold));
        bool hasDevice = steps.Any(step => step.DeviceReservedBytes > 0);
        var table = new TextTable(console);
        table.Column("Phase").Column("Steps", right: true);
        if (hasDevice)
        {
            table.Column("Device", right: true).Column("at most", right: true).Column("reserved", right: true);
        }
        table.Column("Host", right: true).Column("at most", right: true).Column("File-backed\nat most", right: true).Column("Peak");
        foreach (IReadOnlyList<LoadPlanStep> phase in Runs(steps, (before, step) => step.Phase != before.Phase))
        {
            LoadPlanStep last = phase[^1];
            table.Row(
            [
                last.Phase,
                phase.Count == 1 ? Figures.Count(last.Step) : $"{Figures.Count(phase[0].Step)}-{Figures.Count(last.Step)}",
                .. hasDevice
                    ? new Cell[] { units.Format(last.DeviceBytes), units.Format(phase.Max(step => step.DeviceBytes)),
                        units.Format(phase.Max(step => step.DeviceReservedBytes)) }
                    : [],
                units.Format(last.HostBytes),
                units.Format(phase.Max(step => step.HostBytes)),
                units.Format(phase.Max(step => step.HostFileBytes)),
                new Cell(Peaks(phase), Color.Yellow),
            ]);
        }
        table.Write();
        foreach (LoadPlanStep peak in steps.Where(step => step.IsHostPeak || step.IsDevicePeak))
        {
            string what = (peak.IsHostPeak, peak.IsDevicePeak) switch
            {
                (true, true) => $"host ({Printable.Bytes(peak.HostBytes)}) and device ({Printable.Bytes(peak.DeviceBytes)})",
                (true, false) => $"host ({Printable.Bytes(peak.HostBytes)})",
                _ => $"device ({Printable.Bytes(peak.DeviceBytes)})",
            };
            TextTable.Line(console,
                $"peak of the {what}: step {Figures.Count(peak.Step)}, {peak.Kind} {Printable.Bytes(peak.Bytes)} "
                + $"{peak.Tensor ?? "staging ring"}");
        }
        console.Out.WriteLine();
    }

    private static string Peaks(IReadOnlyList<LoadPlanStep> phase) =>
        string.Join(", ", new[] { phase.Any(step => step.IsHostPeak) ? "host" : null, phase.Any(step => step.IsDevicePeak) ? "device"
            : null }.OfType<string>());

    // Divides steps, in their order, at each step that begins a run.
    private static IEnumerable<IReadOnlyList<LoadPlanStep>> Runs(
        IEnumerable<LoadPlanStep> steps, Func<LoadPlanStep, LoadPlanStep, bool> begins)
    {
        var run = new List<LoadPlanStep>();
        foreach (LoadPlanStep step in steps)
        {
            if (run.Count > 0 && begins(run[^1], step))
            {
                yield return run;
                run = [];
            }
            run.Add(step);
        }
        if (run.Count > 0)
        {
            yield return run;
        }
    }
}
