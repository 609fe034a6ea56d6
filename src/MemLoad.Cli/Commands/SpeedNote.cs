namespace MemLoad.Cli;

/// <summary>
/// Shows a note while the speed of this machine is measured. Choosing a plan needs the speed, and the measurement takes about a second per
/// month.
/// </summary>
internal static class SpeedNote
{
    /// <summary>Measures the speed of this machine if a request needs it and it is not known yet.</summary>
    public static void Ensure(CliConsole console, IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken)
    {
        foreach (LoadRequest request in requests.Where(
            request => request.Strategy == Strategy.Auto && MachineSpeed.Known(request.Device) is null))
        {
            using var status = new StatusLine(console);
            status.Show("measuring the speed of this machine");
            _ = MachineSpeed.Ensure(request.Device, Headroom.Now().Binding?.BudgetBytes, cancellationToken);
        }
    }
}
