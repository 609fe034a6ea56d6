using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>What <c>runtime</c> found, for people.</summary>
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
            ("Memory", result.TotalMemoryBytes is long bytes ? Units.Bytes(bytes) : "unknown"),
            ("Cache folder", result.CacheFolder),
        ];
        foreach ((string name, string value) in facts)
        {
            TextTable.Line(console, $"{name,-12}  {value}");
        }
        TextTable table = new TextTable(console).Column("Device").Column("Here").Column("Details");
        foreach (DeviceStatus device in result.Devices)
        {
            table.Row(device.Name, device.Available ? new Cell("yes", Color.Green) : new Cell("no", Color.Yellow), device.Details);
        }
        table.Write();
    }
}
