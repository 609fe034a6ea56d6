namespace MemLoad.Abstractions;

/// <summary>
/// The measured child process: the program of the running PowerShell. A startup hook makes it a worker before PowerShell starts. If hooks
/// are disabled, the command line makes PowerShell load only the library and run as a worker.
/// </summary>
internal static class PowerShellWorker
{
    // A command leaves standard input to the script unless it uses $input. The library is loaded from its path without the module: no
    // cmdlets, no views, and only the row as output. The path is an argument, because it could end the quotes in the script.
    private const string Script = "[void][Reflection.Assembly]::LoadFrom($args[0]);"
        + "exit [MemLoad.MeasurementWorker]::Run([Console]::OpenStandardInput(),[Console]::OpenStandardOutput())";

    /// <summary>Returns the command that starts it.</summary>
    /// <exception cref="MemLoadException">ML8011: no PowerShell executable can be found.</exception>
    public static WorkerCommand Command()
    {
        string[] program = Program();
        string library = typeof(MeasurementWorker).Assembly.Location;
        return new WorkerCommand(
            program[0], [.. program[1..], "-NoLogo", "-NoProfile", "-NonInteractive", "-CommandWithArgs", Script, library], library);
    }

    // $PSHOME is the folder of System.Management.Automation. If another program hosts PowerShell, the process is not pwsh.
    private static string[] Program()
    {
        string home = System.IO.Path.GetDirectoryName(typeof(PSObject).Assembly.Location) ?? "";
        string assembly = System.IO.Path.Combine(home, "pwsh.dll");
        string beside = System.IO.Path.Combine(home, OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh");
        return System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) switch
        {
            "pwsh" => [Environment.ProcessPath!],
            // A tool of the .NET SDK. Its folder also has a pwsh, which only the user who installed the tool may start.
            "dotnet" when File.Exists(assembly) => [Environment.ProcessPath!, assembly],
            _ when File.Exists(beside) => [beside],
            _ => throw Rules.WorkerFailed.Broken("this PowerShell has no executable that can start a measured process"),
        };
    }
}
