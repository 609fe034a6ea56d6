using System.Diagnostics;

namespace MemLoad.Tests.Cli;

/// <summary>The whole program in a process of its own, under limits and settings that hold for a process.</summary>
internal sealed record ProgramRun(int ExitCode, string Output, string Error)
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "memload.dll");

    /// <summary>Runs it.</summary>
    /// <param name="settings">Environment variables.</param>
    /// <param name="args">Its arguments.</param>
    public static ProgramRun Of((string Name, string Value)[] settings, params string[] args) => Of("dotnet", [Program, .. args], settings);

    /// <summary>Runs it from a shell of Unix.</summary>
    /// <param name="before">What the shell does before, such as <c>ulimit -n 40</c>.</param>
    /// <param name="settings">Environment variables.</param>
    /// <param name="args">Its arguments.</param>
    public static ProgramRun Of(string before, (string Name, string Value)[] settings, params string[] args) =>
        Of("sh", ["-c", $"{before}; exec dotnet \"$@\"", "sh", Program, .. args], settings);

    private static ProgramRun Of(string file, string[] args, (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo(file, args);
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // else the runtime itself needs a larger file to start
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
