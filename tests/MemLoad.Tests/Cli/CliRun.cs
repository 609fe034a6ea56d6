using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

/// <summary>One command line, run in this process: what a user or a script sees of it.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static CliRun Of(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        // Not on the thread pool: it must run under the culture of the test.
        int code = CliRunner.RunAsync(args, output, error, CancellationToken.None).GetAwaiter().GetResult();
        RowSchema.RequireValid(args, output.ToString());
        return new CliRun(code, output.ToString(), error.ToString());
    }
}
