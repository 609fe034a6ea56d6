using System.CommandLine;
using System.Runtime.InteropServices;

namespace MemLoad.Cli;

/// <summary><c>memload runtime</c>: prints the machine, the software and the available devices.</summary>
internal static class RuntimeCommand
{
    public const string Description = "Show versions, processor, memory and its limits, the cache folder, and the available devices.";

    public static Command Build(CliConsole console)
    {
        WordOption<OutputFormat> format = CommonOptions.Format();
        var command = new Command("runtime", Description) { format };
        command.Runs((parsed, _) =>
        {
            RuntimeResult result = Describe();
            switch (format.Read(parsed))
            {
                case OutputFormat.Json:
                    JsonOutput.Write(result, JsonOutput.Types.RuntimeResult, console.Out);
                    break;
                case OutputFormat.Csv:
                    CsvWriter.Write(result.Devices, JsonOutput.Types.DeviceStatus, console.Out);
                    break;
                default:
                    RuntimeView.Write(result, console);
                    break;
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static RuntimeResult Describe() => new(
        HostFacts.ModuleVersion,
        RuntimeInformation.FrameworkDescription,
        $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}",
        HostFacts.ProcessorName,
        Environment.ProcessorCount,
        HostFacts.TotalMemoryBytes,
        Headroom.Now(),
        CacheFolder.Path,
        [.. DeviceRegistry.List()]);
}
