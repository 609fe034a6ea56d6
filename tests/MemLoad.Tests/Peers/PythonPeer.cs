using System.Diagnostics;
using System.Text.Json;

namespace MemLoad.Tests.Peers;

/// <summary>
/// A Python with PyTorch and safetensors, where there is one: the program that environment variable MEMLOAD_PYTHON names, else
/// <c>python3</c>.
/// </summary>
internal sealed class PythonPeer : Need
{
    private const string Modules = "torch, safetensors.torch";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly Lazy<string?> Missing = new(FindMissing);

    public override string Name => "a Python with torch and safetensors";

    public override string? WhyNot => Missing.Value;

    /// <summary>Whether MEMLOAD_PYTHON names one.</summary>
    public override bool IsAskedFor => Environment.GetEnvironmentVariable("MEMLOAD_PYTHON") is { Length: > 0 };

    public static string Program => Environment.GetEnvironmentVariable("MEMLOAD_PYTHON") is { Length: > 0 } named ? named : "python3";

    /// <summary>Runs a script and parses what it prints as JSON.</summary>
    public static JsonElement Run(string script, params string[] arguments)
    {
        (int exitCode, string output, string error) = Start(script, arguments);
        Assert.True(exitCode == 0, $"{Program} ended with {exitCode}: {error}");
        return JsonDocument.Parse(output).RootElement;
    }

    private static string? FindMissing()
    {
        try
        {
            (int exitCode, _, string error) = Start($"import {Modules}", []);
            return exitCode == 0 ? null : $"{Program} cannot import {Modules}: {error.TrimEnd().Split('\n')[^1]}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"there is no {Program}: {e.Message}";
        }
    }

    private static (int ExitCode, string Output, string Error) Start(string script, string[] arguments)
    {
        // Isolated and in an empty folder: a file named torch beside the tests, or in a folder that a variable names, is not PyTorch.
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo(Program, ["-I", "-c", script, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder.Path,
        };
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
