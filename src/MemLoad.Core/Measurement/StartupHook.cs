using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using MemLoad;

/// <summary>
/// Runs before the main method of a .NET program that has this library in <c>DOTNET_STARTUP_HOOKS</c>, and makes the program a worker. The
/// start-up time of PowerShell is saved.
/// </summary>
/// <remarks>The .NET runtime finds the class by its name, which has no namespace (docs/design/features/host-startup-hook.md in
/// dotnet/runtime).</remarks>
internal static class StartupHook
{
    /// <summary>The variable with the startup hooks of a process, separated like paths.</summary>
    public const string Variable = "DOTNET_STARTUP_HOOKS";

    /// <summary>Answers one request and ends the process.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Hooks are not called in a trimmed program.")]
    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "Hooks are not called in a program of a single file.")]
    public static void Initialize()
    {
        Environment.SetEnvironmentVariable(Variable, null);
        // The runtime loads a hook without its folder. Libraries in the same folder are found only for an assembly that was loaded from a
        // path.
        _ = Assembly.LoadFrom(typeof(StartupHook).Assembly.Location);
        Environment.Exit(MeasurementWorker.Run(Console.OpenStandardInput(), Console.OpenStandardOutput()));
    }
}
