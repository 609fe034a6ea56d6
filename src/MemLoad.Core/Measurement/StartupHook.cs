using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using MemLoad;

/// <summary>Runs before the main method of a .NET program that was started with this library in <c>DOTNET_STARTUP_HOOKS</c>, and instead of it: the
/// program is then a worker, without the time that a PowerShell takes to start.</summary>
/// <remarks>The .NET runtime finds the class by its name, which has no namespace (docs/design/features/host-startup-hook.md in dotnet/runtime).</remarks>
internal static class StartupHook
{
    /// <summary>The variable that names the hooks of a process, separated as paths are.</summary>
    public const string Variable = "DOTNET_STARTUP_HOOKS";

    /// <summary>Answers one request and ends the process.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Hooks are not called in a trimmed program.")]
    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "Hooks are not called in a program of a single file.")]
    public static void Initialize()
    {
        Environment.SetEnvironmentVariable(Variable, null);
        // A hook is loaded without its folder. Libraries beside it are found only for one that was loaded from a path.
        _ = Assembly.LoadFrom(typeof(StartupHook).Assembly.Location);
        Environment.Exit(MeasurementWorker.Run(Console.OpenStandardInput(), Console.OpenStandardOutput()));
    }
}
