using System.Diagnostics;
using System.Text.Json;

namespace MemLoad.Tests.Peers;

/// <summary>
/// A Python with PyTorch, where there is one: the program that environment variable MEMLOAD_PYTHON names, else <c>python3</c>. Tests against it
/// are skipped, with the reason, where there is none.
/// </summary>
internal static class PythonPeer
{
    // Part of the tests' names, so that a plain run says why it skipped them.
    public const string TorchNeeded = "(needs python3 with torch, or one that MEMLOAD_PYTHON names)";
    public const string SafetensorsNeeded = "(needs python3 with torch and safetensors, or one that MEMLOAD_PYTHON names)";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly Lazy<string?> TorchMissing = new(() => WhyNot("torch"));
    private static readonly Lazy<string?> SafetensorsMissing = new(() => WhyNot("torch, safetensors.torch"));

    private static string Program => Environment.GetEnvironmentVariable("MEMLOAD_PYTHON") is { Length: > 0 } named ? named : "python3";

    public static void SkipWithoutTorch() => Skip.If(TorchMissing.Value is not null, TorchMissing.Value);

    public static void SkipWithoutSafetensors() => Skip.If(SafetensorsMissing.Value is not null, SafetensorsMissing.Value);

    /// <summary>Runs a script and parses what it prints as JSON.</summary>
    public static JsonElement Run(string script, params string[] arguments)
    {
        (int exitCode, string output, string error) = Start(script, arguments);
        Assert.True(exitCode == 0, $"{Program} ended with {exitCode}: {error}");
        return JsonDocument.Parse(output).RootElement;
    }

    private static string? WhyNot(string modules)
    {
        try
        {
            (int exitCode, _, string error) = Start($"import {modules}", []);
            return exitCode == 0 ? null : $"{Program} cannot import {modules}: {error.TrimEnd().Split('\n')[^1]}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"there is no {Program}: {e.Message}";
        }
    }

    private static (int ExitCode, string Output, string Error) Start(string script, string[] arguments)
    {
        var start = new ProcessStartInfo(Program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // A plain folder: Python would otherwise import modules from wherever the tests run.
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (string argument in arguments.Prepend(script).Prepend("-c"))
        {
            start.ArgumentList.Add(argument);
        }
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{Program} did not end within {Patience}");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}
