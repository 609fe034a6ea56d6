using System.Management.Automation;

namespace MemLoad.Abstractions;

/// <summary>The measured child: the PowerShell that is already running, told to load the library alone and be a worker.</summary>
internal static class PowerShellWorker
{
    // -Command leaves standard input to the script as long as nothing in it asks for $input. The library is loaded from its own path, without
    // the module: no cmdlets, no views, nothing on the output but the row.
    private const string Script = "[void][Reflection.Assembly]::LoadFrom('{0}');"
        + "exit [MemLoad.MeasurementWorker]::Run([Console]::OpenStandardInput(),[Console]::OpenStandardOutput())";

    /// <summary>How to start it.</summary>
    /// <exception cref="MemLoadException">ML8011: no PowerShell executable can be found.</exception>
    public static WorkerCommand Command()
    {
        string library = typeof(MeasurementWorker).Assembly.Location.Replace("'", "''", StringComparison.Ordinal);
        return new WorkerCommand(
            Executable(), ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", Script.Replace("{0}", library, StringComparison.Ordinal)]);
    }

    private static string Executable()
    {
        string name = OperatingSystem.IsWindows() ? "pwsh.exe" : "pwsh";
        // $PSHOME is where System.Management.Automation lies. Another program may host PowerShell; then the process is not pwsh.
        string beside = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(PSObject).Assembly.Location) ?? "", name);
        if (Environment.ProcessPath is string program && System.IO.Path.GetFileName(program).Equals(name, StringComparison.OrdinalIgnoreCase))
        {
            return program;
        }
        return File.Exists(beside) ? beside : throw Rules.WorkerFailed.Broken("this PowerShell has no executable to start a measured process with");
    }
}
