using System.Text.Json;
using MemLoad.Tests.Peers;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// The results of PyTorch (<c>torch.load(weights_only=True)</c>) and safetensors (<c>load_file</c>) for the files. Each file has a separate
/// process, with 2 GiB of additional memory and 20 seconds.
/// </summary>
internal static class PeerReaders
{
    private const string Script = """
        import json, os, resource, signal, sys, time
        import torch, safetensors, safetensors.torch
        os.chdir(sys.argv[1])
        def load(path):
            if path.endswith(".safetensors"):
                safetensors.torch.load_file(path)
            else:
                torch.load(path, weights_only=True)
        def child(path):
            pages = int(open("/proc/self/statm").read().split()[0])
            limit = pages * os.sysconf("SC_PAGE_SIZE") + (2 << 30)
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.alarm(20)
            sys.stderr = open(os.devnull, "w")
            try:
                load(path)
                return 0
            except MemoryError:
                return 2
            except BaseException as e:
                return 2 if "memory" in str(e).lower() and "alloc" in str(e).lower() else 1
        outcomes = {}
        torch.set_num_threads(1)
        for path in sorted(json.load(open("paths.json"))):
            pid = os.fork()
            if pid == 0:
                os._exit(child(path))
            _, status = os.waitpid(pid, 0)
            if os.WIFSIGNALED(status):
                outcomes[path] = "hangs" if os.WTERMSIG(status) == signal.SIGALRM else "crashes"
            else:
                outcomes[path] = ["accepts", "refuses", "runs out of memory"][os.WEXITSTATUS(status)]
            if os.path.exists("memload-corpus-ran"):
                outcomes[path] = "runs it"
                os.remove("memload-corpus-ran")
        print(json.dumps({"versions": f"PyTorch {torch.__version__.split('+')[0]}, safetensors {safetensors.__version__}, Python {sys.version.split()[0]}", "outcomes": outcomes}))
        """;

    /// <summary>Returns the reader for a file of this name; null if there is none.</summary>
    public static string? ReaderOf(HostileFile file) =>
        file.Format is HostileFile.Gguf or HostileFile.Distributed or HostileFile.Index or HostileFile.Folder or HostileFile.Manifest
            ? null
            : Path.GetExtension(file.Open) switch
            {
                ".safetensors" => "safetensors",
                ".pth" or ".bin" or ".ckpt" => "PyTorch",
                _ => null,
            };

    /// <summary>Runs both for all files. Returns the versions, and the id and the outcome of each file.</summary>
    public static (string Versions, IReadOnlyDictionary<string, string> Outcomes) Run()
    {
        using var folder = new TemporaryFolder();
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (HostileFile file in HostileFiles.All.Where(file => ReaderOf(file) is not null))
        {
            string name = $"{paths.Count:d4}";
            file.Make(Directory.CreateDirectory(folder[name]).FullName);
            paths.Add($"{name}/{file.Open}", file.Id);
        }
        folder.Write("paths.json", $"[{string.Join(',', paths.Keys.Select(path => $"\"{path}\""))}]");
        JsonElement result = PythonPeer.Run(Script, folder.Path);
        return (
            result.GetProperty("versions").GetString()!,
            result
                .GetProperty("outcomes")
                .EnumerateObject()
                .ToDictionary(outcome => paths[outcome.Name], outcome => outcome.Value.GetString()!, StringComparer.Ordinal));
    }
}
