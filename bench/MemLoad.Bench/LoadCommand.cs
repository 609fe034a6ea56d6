using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MemLoad.Bench;

/// <summary>
/// <c>load</c>: limits, strategies and PyTorch in alternation, each in a new process. One table has the medians, and a JSON file has all
/// samples.
/// </summary>
internal static class LoadCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Build()
    {
        var path = new Option<string?>("--path") { Description = "The checkpoint; a generated one of --size if left out." };
        var size = new Option<string>("--size")
        {
            Description = "Size of the generated checkpoint.",
            DefaultValueFactory = _ => "gpt2-large",
        };
        var device = new Option<string[]>("--device")
        {
            Description = "cpu, sim or both.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => ["cpu", "sim"],
        };
        var cache = new Option<string[]>("--cache")
        {
            Description = "warm, cold or both.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => ["warm"],
        };
        var processors = new Option<int[]>("--processors")
        {
            Description = "Numbers of processors to run on.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [Environment.ProcessorCount],
        };
        var only = new Option<string[]>("--only")
        {
            Description = "Contenders whose title holds one of these words; all if left out.",
            AllowMultipleArgumentsPerToken = true,
        };
        var repeat = new Option<int>("--repeat") { Description = "Rounds.", DefaultValueFactory = _ => 5 };
        var memory = new Option<string>("--memory")
        {
            Description =
                "The free memory that contenders find: touched, as much as any of them needs was held until then and is freed at once; "
                    + "settled, none was held, and for three seconds a virtual machine's free memory went back to its host.",
            DefaultValueFactory = _ => FreeMemory.Touched,
        };
        memory.AcceptOnlyFromAmong(FreeMemory.Touched, FreeMemory.Settled);
        var dtype = new Option<DType?>("--dtype") { Description = "What MemLoad casts to on the way (Float32, Float16, BFloat16)." };
        var json = new Option<string?>("--json") { Description = "Where everything that was measured goes." };
        var command = new Command("load", "Times loads.") { path, size, device, cache, processors, only, repeat, memory, dtype, json };
        command.SetAction(parsed =>
        {
            Checkpoint checkpoint = Checkpoint.Open(
                Path.GetFullPath(parsed.GetValue(path) ?? GeneratedCheckpoint.Ensure(parsed.GetValue(size)!)));
            using var rounds = new Rounds(
                checkpoint, parsed.GetValue(only) ?? [], parsed.GetValue(repeat), parsed.GetValue(dtype), parsed.GetValue(memory)!);
            // The copies are also deleted if a signal stops the program.
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => rounds.Dispose());
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => rounds.Dispose());
            var series = new List<Series>();
            foreach (string where in parsed.GetValue(device)!)
            {
                foreach (string state in parsed.GetValue(cache)!)
                {
                    foreach (int count in parsed.GetValue(processors)!)
                    {
                        IReadOnlyList<Series> measured = rounds.Run(where, state, count);
                        series.AddRange(measured);
                        LoadTable.Write(measured, Console.Out);
                    }
                }
            }
            if (parsed.GetValue(json) is string file)
            {
                var everything = new
                {
                    Machine = new
                    {
                        HostFacts.ProcessorName,
                        Environment.ProcessorCount,
                        HostFacts.TotalMemoryBytes,
                    },
                    Checkpoint = checkpoint.Path,
                    Series = series,
                };
                File.WriteAllText(file, JsonSerializer.Serialize(everything, Indented));
            }
            return series.All(one => one.Good.Count > 0) ? 0 : 1;
        });
        return command;
    }
}

/// <summary>
/// Runs the contenders in rounds, each in another order. Drift of the machine and effects of a previous contender are then distributed over
/// all of them.
/// </summary>
internal sealed class Rounds(Checkpoint checkpoint, string[] only, int repeat, DType? dtype, string memory) : IDisposable
{
    private readonly FreeMemory _memory = new(memory, checkpoint.FileBytes);
    private readonly PythonPeer? _python = PythonPeer.Find();
    private readonly Lazy<string> _safetensors = new(() => Converted(checkpoint, CheckpointFormat.Safetensors, ".safetensors"));
    private readonly Lazy<string> _folder = new(() => Converted(checkpoint, CheckpointFormat.PerTensor, ".tensors"));

    public IReadOnlyList<Series> Run(string device, string cache, int processors)
    {
        Contender[] contenders = [.. Contender.On(device, cache)
            .Where(contender => only.Length == 0 || only.Any(word => contender.Title.Contains(word, StringComparison.OrdinalIgnoreCase)))
            .Where(contender => contender.Kind != ContenderKind.Python || _python is not null)];
        var samples = contenders.ToDictionary(contender => contender, _ => new List<Sample>());
        Environment.SetEnvironmentVariable("MEMLOAD_BENCH_CACHE", cache); // load.py reads the file first, and evicts it again
        Environment.SetEnvironmentVariable(FreeMemory.Variable, "1");
        for (int round = 0; round < repeat; round++)
        {
            var order = (Contender[])contenders.Clone();
            new Random(round).Shuffle(order);
            foreach (Contender contender in order)
            {
                Console.Error.WriteLine($"{device}, {cache}, {processors} processors, round {round + 1} of {repeat}: {contender.Title}");
                string path = contender.Name switch
                {
                    "safetensors" => _safetensors.Value,
                    "pertensor" => _folder.Value,
                    _ => checkpoint.Path,
                };
                _memory.Hold();
                Prepare(path, cache);
                samples[contender]
                    .Add(
                        contender.Kind == ContenderKind.Python
                            ? _python!.Measure("load.py", [path, contender.Name], processors, _memory.Release)
                            : Child.Run(
                                Child.This(
                                    Contender.Verb,
                                    contender.Name,
                                    device,
                                    path,
                                    round == 0 ? "verify" : "trust",
                                    dtype?.ToString() ?? ""),
                                processors,
                                _memory.Release));
            }
        }
        return
        [
            .. contenders.Select(contender => new Series(
                contender.Title,
                device,
                cache,
                processors,
                checkpoint.ModelBytes,
                samples[contender])),
        ];
    }

    public void Dispose()
    {
        if (_safetensors.IsValueCreated)
        {
            File.Delete(_safetensors.Value);
        }
        if (_folder.IsValueCreated && Directory.Exists(_folder.Value))
        {
            Directory.Delete(_folder.Value, recursive: true);
        }
    }

    private static void Prepare(string path, string cache)
    {
        string[] files = Directory.Exists(path) ? Directory.GetFiles(path) : [path];
        if (cache == "cold")
        {
            PageCache.Evict(files);
        }
        else
        {
            PageCache.Warm(files);
        }
    }

    // The file is in the folder of the checkpoint, so that it is on the same disk.
    private static string Converted(Checkpoint checkpoint, CheckpointFormat format, string extension)
    {
        string path = Path.Combine(Path.GetDirectoryName(checkpoint.Path)!, $"bench-{Environment.ProcessId}{extension}");
        CheckpointWriter.Write(checkpoint, path, format, overwrite: true);
        return path;
    }
}

/// <summary>Starts processes that print one line of JSON.</summary>
internal static class Child
{
    /// <summary>Returns the command for this program with other arguments.</summary>
    public static string[] This(params string[] arguments)
    {
        WorkerCommand self = WorkerCommand.ByArgument();
        return [self.FileName, .. self.Arguments.SkipLast(1), .. arguments];
    }

    /// <summary>Runs a command on only the first processors of the machine.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="processors">The number of processors.</param>
    /// <param name="ready">Called when the child is ready and waits.</param>
    public static Sample Run(string[] command, int processors, Action? ready = null)
    {
        if (processors < Environment.ProcessorCount)
        {
            command = ["taskset", "-c", $"0-{processors - 1}", .. command];
        }
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process child = Process.Start(start)!;
        Task<string> complaints = child.StandardError.ReadToEndAsync();
        string answer = "";
        while (child.StandardOutput.ReadLine() is string line)
        {
            answer = line;
            if (line == FreeMemory.Ready)
            {
                ready?.Invoke();
                child.StandardInput.WriteLine();
            }
        }
        child.WaitForExit();
        return child.ExitCode == 0 && answer.StartsWith('{')
            ? JsonSerializer.Deserialize<Sample>(answer)!
            : new Sample(
                0,
                Error: complaints.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault()
                    ?? $"ended with {child.ExitCode}");
    }
}

/// <summary>PyTorch and safetensors, if Python has them. MEMLOAD_PYTHON names the Python; the default is python3.</summary>
internal sealed class PythonPeer
{
    private readonly string _program;

    private PythonPeer(string program) => _program = program;

    public static PythonPeer? Find()
    {
        string program = Environment.GetEnvironmentVariable("MEMLOAD_PYTHON") is { Length: > 0 } named ? named : "python3";
        try
        {
            using Process python = Process.Start(
                new ProcessStartInfo(program, ["-c", "import torch, safetensors.torch"]) { RedirectStandardError = true }
            )!;
            python.WaitForExit();
            return python.ExitCode == 0 ? new PythonPeer(program) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Runs one of the scripts in bench/peers.</summary>
    public Sample Measure(string script, string[] arguments, int processors, Action? ready = null) =>
        Child.Run([_program, Path.Combine(AppContext.BaseDirectory, script), .. arguments], processors, ready);
}
