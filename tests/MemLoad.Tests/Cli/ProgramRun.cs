using System.Diagnostics;

namespace MemLoad.Tests.Cli;

/// <summary>The whole program in a separate process, under limits and settings of a process.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "memload.dll");

    /// <summary>Runs the program.</summary>
    /// <param name="settings">Environment variables.</param>
    /// <param name="args">Its arguments.</param>
    public static ProgramRun Of((string Name, string Value)[] settings, params string[] args) => Of("dotnet", [Program, .. args], settings);

    /// <summary>Runs the program from a Unix shell.</summary>
    /// <param name="before">The commands that the shell runs before, such as <c>ulimit -n 40</c>.</param>
    /// <param name="settings">Environment variables.</param>
    /// <param name="args">Its arguments.</param>
    public static ProgramRun Of(string before, (string Name, string Value)[] settings, params string[] args) =>
        Of("sh", ["-c", $"{before}; exec dotnet \"$@\"", "sh", Program, .. args], settings);

    private static ProgramRun Of(string file, string[] args, (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo(file, args);
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // otherwise the runtime needs a larger file to start
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        foreach ((string name, string value) in settings)
        {
            start.Environment[name] = value;
        }
        var run = EndedProcess.Run(start);
        RowSchema.RequireValid(args, run.Output);
        return new ProgramRun(run.ExitCode, run.Output, run.Error);
    }
}
