using System.Diagnostics;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// The results of TorchSharp.PyBridge for the files. The environment variable MEMLOAD_PYBRIDGE names a build of bench/TorchLoad with it:
/// the program and its arguments, such as <c>dotnet bench/TorchLoad/bin/Release/net10.0/TorchLoad.dll read</c>. It answers file by file in
/// one process. The limits are 2 GiB of managed memory, 16 GiB of address space, and 20 seconds per file. After a file that ends the
/// process or exceeds the time, a new process is started.
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

    /// <summary>Runs it for all files with an extension that it reads. Returns the id and the outcome of each file.</summary>
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
