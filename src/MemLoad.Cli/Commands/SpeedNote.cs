namespace MemLoad.Cli;

/// <summary>
/// Shows a note while the speed of this machine is measured. Choosing a plan needs the speed, and the measurement takes about a second per
/// month.
/// </summary>
internal static class SpeedNote
{
    public static void Ensure(CliConsole console, IReadOnlyList<LoadRequest> requests, CancellationToken cancellationToken)
    {
        foreach (string device in MachineSpeed.Unknown(requests))
        {
            using var status = new StatusLine(console);
            status.Show("measuring the speed of this machine");
            _ = MachineSpeed.Ensure(device, Headroom.Now().Binding?.BudgetBytes, cancellationToken);
        }
    }
}
