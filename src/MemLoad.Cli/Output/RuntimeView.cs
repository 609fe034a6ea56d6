using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>Prints the result of <c>runtime</c>.</summary>
internal static class RuntimeView
{
    public static void Write(RuntimeResult result, CliConsole console)
    {
        (string Name, string Value)[] facts =
        [
            ("MemLoad", result.Version),
            (".NET", result.DotNet),
            ("System", result.OperatingSystem),
            ("Processor", $"{result.Processor ?? "unknown"}, {result.Cores} cores"),
            ("Memory", result.TotalMemoryBytes is long bytes ? Printable.Bytes(bytes) : "unknown"),
            ("Budget", result.Headroom.Binding is MemoryLimit limit
                ? $"{Printable.Bytes(limit.BudgetBytes)} for a load: {limit.Why}; {Printable.Bytes(limit.ReserveBytes)} kept in reserve"
                : "unknown"),
            ("Cache folder", result.CacheFolder),
        ];
        foreach ((string name, string value) in facts)
        {
            TextTable.Line(console, $"{name,-12}  {value}");
        }
        TextTable limits = new TextTable(console).Column("Limit on host memory").Column("Counts").Column("Allows", right: true)
            .Column("Used", right: true).Column("Free", right: true).Column("Budget", right: true);
        foreach (MemoryLimit each in result.Headroom.Limits)
        {
            limits.Row(each.Name, Words(each.Counts), Printable.Bytes(each.LimitBytes), Printable.Bytes(each.UsedBytes),
                Printable.Bytes(each.AvailableBytes), Printable.Bytes(each.BudgetBytes));
        }
        if (!result.Headroom.Limits.IsEmpty)
        {
            limits.Write();
        }
        TextTable table = new TextTable(console).Column("Device").Column("Here").Column("Details");
        foreach (DeviceStatus device in result.Devices)
        {
            table.Row(device.Name, device.Available ? new Cell("yes", Color.Green) : new Cell("no", Color.Yellow), device.Details);
        }
        table.Write();
    }

    private static string Words(Counted counts) => counts switch
    {
        Counted.AnonymousAndShared => "anonymous, shared",
        Counted.AddressSpace => "address space",
        _ => "anonymous",
    };
}
