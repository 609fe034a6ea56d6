using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad.Pester;

/// <summary>One test of the suite with its result.</summary>
/// <param name="Name">Its path: the names of the blocks and of the test, separated by full stops.</param>
/// <param name="Outcome">The result in the words of Pester.</param>
/// <param name="Seconds">The duration.</param>
/// <param name="Message">The reason of a failed or skipped test.</param>
/// <param name="Place">The place of the failure.</param>
internal sealed record PesterResult(string Name, string Outcome, decimal Seconds, string Message, string Place);

/// <summary>Runs files of the suite.</summary>
internal static class PesterRun
{
    /// <summary>The variable that names a PowerShell to run instead of the tool of the repository.</summary>
    private const string ShellVariable = "MEMLOAD_PWSH";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(20);

    private static readonly Dictionary<string, string?> Metadata = typeof(PesterRun)
        .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .ToDictionary(value => value.Key, value => value.Value, StringComparer.Ordinal);

    /// <summary>The folder of the suite.</summary>
    public static string Folder { get; } = Metadata["Folder"]!;

    /// <summary>Pester and its version.</summary>
    public static string NameOf(string pester) =>
        $"Pester {Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(Metadata[pester]!)))}";

    /// <summary>Runs a file in a separate PowerShell process. A file that does not end is one failed test.</summary>
    public static async Task<IReadOnlyList<PesterResult>> OfAsync(string pester, string file, CancellationToken cancellationToken)
    {
        string results = Path.Combine(Path.GetTempPath(), $"memload-pester-{Guid.NewGuid():N}.json");
        try
        {
            (int code, string text) = await StartAsync(pester, file, results, cancellationToken);
            return File.Exists(results)
                ? JsonSerializer.Deserialize(await File.ReadAllBytesAsync(results, cancellationToken), PesterJson.Default.ListPesterResult)!
                : Failed($"PowerShell ended with {code}:\n{text}");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or JsonException or System.ComponentModel.Win32Exception)
        {
            return Failed(e.Message);
        }
        finally
        {
            File.Delete(results);
        }
    }

    private static IReadOnlyList<PesterResult> Failed(string message) =>
        [new PesterResult("the file runs to its end", "Failed", 0, message, "")];

    private static async Task<(int Code, string Text)> StartAsync(
        string pester, string file, string results, CancellationToken cancellationToken)
    {
        string? shell = Environment.GetEnvironmentVariable(ShellVariable);
        string[] program = shell is { Length: > 0 } ? [shell] : [Metadata["Dotnet"]!, Metadata["PowerShell"]!];
        var start = new ProcessStartInfo(program[0],
        [
            .. program[1..], "-NoLogo", "-NoProfile", "-NonInteractive", "-File", Path.Combine(Folder, "run.ps1"),
            "-Path", Path.Combine(Folder, file), "-Pester", Metadata[pester]!, "-ResultPath", results,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The settings of the test host are not those of a user's PowerShell.
        foreach (string name in start.Environment.Keys.Where(IsOfTheTestHost).ToArray())
        {
            start.Environment.Remove(name);
        }
        start.Environment["NO_COLOR"] = "1";
        // Profile-guided optimization is useful only after minutes, and no file takes that long.
        start.Environment["DOTNET_TieredPGO"] = "0";
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        Task<string> text = process.StandardOutput.ReadToEndAsync(cancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return (process.ExitCode, await text + await error);
    }

    private static bool IsOfTheTestHost(string variable) =>
        (
            variable.StartsWith("DOTNET_", StringComparison.Ordinal)
            && variable is not ("DOTNET_ROOT" or "DOTNET_CLI_HOME" or "DOTNET_NOLOGO" or "DOTNET_CLI_TELEMETRY_OPTOUT")
        ) || variable.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Reads the output of run.ps1.</summary>
[JsonSerializable(typeof(List<PesterResult>))]
internal sealed partial class PesterJson : JsonSerializerContext;
