using System.Management.Automation;

namespace MemLoad.Abstractions;

/// <summary>The measured child: the program of the PowerShell that is already running. A startup hook makes it a worker before PowerShell starts; where
/// hooks are switched off, the PowerShell is told to load the library alone and be a worker.</summary>
internal static class PowerShellWorker
{
    // A command leaves standard input to the script as long as nothing in it asks for $input. The library is loaded from its own path, without
    // the module: no cmdlets, no views, nothing on the output but the row. The path is an argument: in the script it could end its own quotes.
    private const string Script = "[void][Reflection.Assembly]::LoadFrom($args[0]);"
        + "exit [MemLoad.MeasurementWorker]::Run([Console]::OpenStandardInput(),[Console]::OpenStandardOutput())";

    /// <summary>How to start it.</summary>
    /// <exception cref="MemLoadException">ML8011: no PowerShell executable can be found.</exception>
    public static WorkerCommand Command()
    {
        string[] program = Program();
        string library = typeof(MeasurementWorker).Assembly.Location;
        return new WorkerCommand(
            program[0], [.. program[1..], "-NoLogo", "-NoProfile", "-NonInteractive", "-CommandWithArgs", Script, library], library);
    }

    // $PSHOME is where System.Management.Automation lies. Another program may host PowerShell; then the process is not pwsh.
    private static string[] Program()
    {
        string home = System.IO.Path.GetDirectoryName(typeof(PSObject).Assembly.Location) ?? "";
        string assembly = System.IO.Path.Combine(home, "pwsh.dll");
        string beside = System.IO.Path.Combine(home, OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh");
        return System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) switch
        {
            "pwsh" => [Environment.ProcessPath!],
            // A tool of the .NET SDK. Beside it lies a pwsh too, which only the user who installed the tool may start.
            "dotnet" when File.Exists(assembly) => [Environment.ProcessPath!, assembly],
            _ when File.Exists(beside) => [beside],
            _ => throw Rules.WorkerFailed.Broken("this PowerShell has no executable to start a measured process with"),
        };
    }
}
