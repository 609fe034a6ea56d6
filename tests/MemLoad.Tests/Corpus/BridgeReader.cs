using System.Diagnostics;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// What TorchSharp.PyBridge does with the files, where environment variable MEMLOAD_PYBRIDGE names bench/TorchLoad as it was built with it:
/// the program and its arguments, such as <c>dotnet bench/TorchLoad/bin/Release/net10.0/TorchLoad.dll read</c>. It answers file by file in
/// one process, with 2 GiB of managed and 16 GiB of address space, 20 seconds a file; one that ends the process or hangs costs a new
/// process.
/// </summary>
internal sealed class BridgeReader : Need, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _command = Command ?? "";
    private Process? _process;

    public override string Name => "TorchSharp.PyBridge";

    public override string? WhyNot =>
        Command is null ? "MEMLOAD_PYBRIDGE names no command: bench/TorchLoad, built with -p:PyBridge=true" : null;

    /// <summary>The command that reads, if there is one.</summary>
    public static string? Command => Environment.GetEnvironmentVariable("MEMLOAD_PYBRIDGE") is { Length: > 0 } command ? command : null;

    /// <summary>Asks it about all files that end in what it reads: each file's id and outcome.</summary>
    public static Dictionary<string, string> Run()
    {
        using var folder = new TemporaryFolder();
        using var reader = new BridgeReader();
        var outcomes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (HostileFile file in HostileFiles.All.Where(file => PeerReaders.ReaderOf(file) is not null))
        {
            string home = Directory.CreateDirectory(folder[$"{outcomes.Count:d4}"]).FullName;
            file.Make(home);
            outcomes.Add(file.Id, reader.Ask(Path.Combine(home, file.Open)));
        }
        return outcomes;
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill(entireProcessTree: true);
        }
        _process?.Dispose();
    }

    private string Ask(string path)
    {
        if (_process is null or { HasExited: true })
        {
            _process?.Dispose();
            var start = new ProcessStartInfo("bash", ["-c", $"ulimit -v {16L << 20} -c 0; exec {_command}"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["DOTNET_GCHeapHardLimit"] = "0x80000000" },
            };
            _process = Process.Start(start)!;
            _process.ErrorDataReceived += static (_, _) => { };
            _process.BeginErrorReadLine();
        }
        _process.StandardInput.WriteLine(path);
        _process.StandardInput.Flush();
        Task<string?> answer = _process.StandardOutput.ReadLineAsync();
        if (answer.Wait(Patience))
        {
            return answer.Result ?? "crashes";
        }
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        return "hangs";
    }
}
