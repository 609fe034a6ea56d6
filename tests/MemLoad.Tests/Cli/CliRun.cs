using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

/// <summary>One command line that ran in this process, with the results that a user or a script gets.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static CliRun Of(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        // The command does not run on the thread pool, because it must run under the culture of the test.
        int code = CliRunner.RunAsync(args, output, error, CancellationToken.None).GetAwaiter().GetResult();
        RowSchema.RequireValid(args, output.ToString());
        return new CliRun(code, output.ToString(), error.ToString());
    }
}
