using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>Prints the steps of plans: one line per phase, with the peaks.</summary>
internal static class StepsView
{
    public static void Write(IEnumerable<LoadPlanStep> steps, CliConsole console)
    {
        foreach (IGrouping<string, LoadPlanStep> plan in steps.GroupBy(step => step.Strategy))
        {
            Write(plan.Key, [.. plan], console);
        }
    }

    private static void Write(string strategy, IReadOnlyList<LoadPlanStep> steps, CliConsole console)
    {
        Units units = Units.For(steps.SelectMany(step => new long?[] { step.HostBytes, step.HostFileBytes, step.DeviceReservedBytes }));
        TextTable.Line(console,
            $"{strategy}: {Figures.Count(steps.Count, "step")}, held after each phase and at most within it, in {units.Name}",
            new Style(decoration: Decoration.Bold));
        bool hasDevice = steps.Any(step => step.DeviceReservedBytes > 0);
        var table = new TextTable(console);
        table.Column("Phase").Column("Steps", right: true);
        if (hasDevice)
        {
            table.Column("Device", right: true).Column("at most", right: true).Column("reserved", right: true);
        }
        table.Column("Host", right: true).Column("at most", right: true).Column("File-backed\nat most", right: true).Column("Peak");
        foreach (IReadOnlyList<LoadPlanStep> phase in Phases(steps))
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

    private static IEnumerable<IReadOnlyList<LoadPlanStep>> Phases(IReadOnlyList<LoadPlanStep> steps)
    {
        for (int start = 0; start < steps.Count;)
        {
            int end = start;
            while (end < steps.Count && steps[end].Phase == steps[start].Phase)
            {
                end++;
            }
            yield return [.. steps.Skip(start).Take(end - start)];
            start = end;
        }
    }
}
