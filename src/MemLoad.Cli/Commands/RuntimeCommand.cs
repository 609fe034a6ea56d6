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
            RowOutput.Write(format.Read(parsed), () => JsonOutput.Write(result, JsonOutput.Types.RuntimeResult, console.Out),
                result.Devices, JsonOutput.Types.DeviceStatus, () => RuntimeView.Write(result, console), console);
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
