using System.Diagnostics;

namespace MemLoad.Tests;

/// <summary>The results of a process that has ended.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record EndedProcess(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs a program with arguments.</summary>
    public static EndedProcess Run(string program, params string[] arguments) => Run(new ProcessStartInfo(program, arguments));

    /// <summary>Runs a process. Its standard input is empty.</summary>
    /// <exception cref="TimeoutException">It did not end within ten minutes. It and its children are killed.</exception>
    public static EndedProcess Run(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        // Both streams are read at the same time, because a process waits while one of the pipes is full.
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        bool ended = process.WaitForExit(Patience);
        if (!ended)
        {
            process.Kill(entireProcessTree: true);
        }
        process.WaitForExit();
        var left = new EndedProcess(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
        return ended ? left : throw new TimeoutException($"{start.FileName} did not end within {Patience}: {left}");
    }
}
