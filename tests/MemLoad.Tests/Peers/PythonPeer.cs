using System.Diagnostics;
using System.Text.Json;

namespace MemLoad.Tests.Peers;

/// <summary>
/// A Python with PyTorch and safetensors, if there is one. The environment variable MEMLOAD_PYTHON names the program. The default is
/// <c>python3</c>.
/// </summary>
internal sealed class PythonPeer : Need
{
    private const string Modules = "torch, safetensors.torch";

    private static readonly Lazy<string?> Missing = new(FindMissing);

    public override string Name => "a Python with torch and safetensors";

    public override string? WhyNot => Missing.Value;

    /// <summary>Whether MEMLOAD_PYTHON names a program.</summary>
    public override bool IsAskedFor => Environment.GetEnvironmentVariable("MEMLOAD_PYTHON") is { Length: > 0 };

    public static string Program => Environment.GetEnvironmentVariable("MEMLOAD_PYTHON") is { Length: > 0 } named ? named : "python3";

    /// <summary>Runs a script and parses its output as JSON.</summary>
    public static JsonElement Run(string script, params string[] arguments)
    {
        EndedProcess run = Start(script, arguments);
        Assert.True(run.ExitCode == 0, $"{Program} ended with {run.ExitCode}: {run.Error}");
        return JsonDocument.Parse(run.Output).RootElement;
    }

    private static string? FindMissing()
    {
        try
        {
            EndedProcess run = Start($"import {Modules}", []);
            return run.ExitCode == 0 ? null : $"{Program} cannot import {Modules}: {run.Error.TrimEnd().Split('\n')[^1]}";
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return $"there is no {Program}: {e.Message}";
        }
    }

    private static EndedProcess Start(string script, string[] arguments)
    {
        // Python runs isolated and in an empty folder. A file named torch in the folder of the tests, or in a folder that a variable names,
        // is not PyTorch.
        using var folder = new TemporaryFolder();
        return EndedProcess.Run(new ProcessStartInfo(Program, ["-I", "-c", script, .. arguments]) { WorkingDirectory = folder.Path });
    }
}
