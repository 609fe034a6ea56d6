using System.Diagnostics;
using System.Security.Cryptography;

namespace MemLoad.Tests.Writing;

/// <summary>
/// Writers that are killed, limited, and run at the same time. bench/Writers-Under-Fire.ps1 does the same hundreds of times.
/// </summary>
public sealed class WritersUnderFireTests
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "memload.dll");

    private const string Shards = "shards";

    public static TheoryData<string> Targets => ["x.pth", "x.safetensors", "x"];

    public static TheoryData<string> TargetsAndShards => [.. Targets, Shards];

    [Theory]
    [MemberData(nameof(TargetsAndShards))]
    public void A_writer_that_is_killed_leaves_the_old_or_the_new_file_and_the_next_writer_removes_the_rest(string name)
    {
        var random = new Random(name.Length);
        using var folder = new TemporaryFolder();
        string[] sharding = name == Shards ? ["--max-shard-size", "100KB"] : [];
        string[] oldArguments = ["new", "--out", folder[name], "--force", .. Model(emb: 24), .. sharding];
        string[] newArguments = ["new", "--out", folder[name], "--force", .. Model(emb: 240), .. sharding];
        Finish(Start(oldArguments));
        string old = Content(folder[name]);
        Finish(Start(newArguments));
        string fresh = Content(folder[name]);

        for (int i = 0; i < 4; i++)
        {
            bool exists = i % 2 == 0;
            Remove(folder[name]);
            if (exists)
            {
                Finish(Start(oldArguments));
            }
            using (Process writer = Start(newArguments))
            {
                // The time counts from the first temporary name, because nothing is changed before.
                while (!writer.HasExited && folder.Names.Length == (exists ? 1 : 0))
                {
                    Thread.Yield();
                }
                Thread.Sleep(random.Next(25));
                writer.Kill();
                writer.WaitForExit();
            }

            Assert.Contains(Content(folder[name]), new[] { exists ? old : "absent", fresh });
            Finish(Start(newArguments));
            Assert.Equal(fresh, Content(folder[name]));
            Assert.Equal([name], folder.Names);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Targets))]
    public void A_limit_on_the_size_of_files_is_an_error_and_leaves_nothing(string name)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "ulimit -f");
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo(
            "sh", ["-c", "ulimit -f 300; exec dotnet \"$@\"", "sh", Program, "new", "--out", folder[name], .. Model(emb: 240)])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // otherwise the runtime needs a larger file to start
        using Process writer = Process.Start(start)!;
        Task<string> output = writer.StandardOutput.ReadToEndAsync();
        string complaint = writer.StandardError.ReadToEnd();
        writer.WaitForExit();

        Assert.Equal(1, writer.ExitCode);
        Assert.Contains("ML9104", complaint, StringComparison.Ordinal);
        Assert.Empty(output.Result);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Writers_of_one_name_do_not_disturb_each_other(string name)
    {
        CheckpointFormat format = name switch
        {
            "x.pth" => CheckpointFormat.TorchZip,
            "x.safetensors" => CheckpointFormat.Safetensors,
            _ => CheckpointFormat.PerTensor,
        };
        using var folder = new TemporaryFolder();
        MemorySource[] sources =
        [
            .. Enumerable.Range(1, 4).Select(i => new MemorySource().Add("a", DType.Float32, i, 10_000).Add($"b{i}", DType.Int8, 1000)),
        ];
        string[] digests = [.. sources.Select(source => WeightsDigest.Of(source))];
        CheckpointWriter.Write(sources[0], folder[name], format);

        for (int round = 0; round < 10; round++)
        {
            Parallel.ForEach(sources, new ParallelOptions { MaxDegreeOfParallelism = sources.Length }, source =>
                CheckpointWriter.Write(source, folder[name], format, overwrite: true));

            Assert.Contains(WeightsDigest.Of(Checkpoint.Open(folder[name])), digests);
            Assert.Equal([name], folder.Names);
        }
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Of_several_writers_of_one_new_name_one_succeeds_and_the_others_are_refused(string name)
    {
        CheckpointFormat format = name switch
        {
            "x.pth" => CheckpointFormat.TorchZip,
            "x.safetensors" => CheckpointFormat.Safetensors,
            _ => CheckpointFormat.PerTensor,
        };
        using var folder = new TemporaryFolder();
        for (int round = 0; round < 10; round++)
        {
            string target = folder[round + name];
            var digests = new System.Collections.Concurrent.ConcurrentBag<string>();
            Parallel.For(1, 5, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
            {
                MemorySource source = new MemorySource().Add("a", DType.Float32, i, 1000);
                try
                {
                    CheckpointWriter.Write(source, target, format);
                    digests.Add(WeightsDigest.Of(source));
                }
                catch (MemLoadException e) when (e.Rule.Id == "ML9102")
                {
                }
            });

            Assert.Equal([WeightsDigest.Of(Checkpoint.Open(target))], digests);
        }
        Assert.Equal(10, folder.Names.Length);
    }

    private static string[] Model(int emb) =>
        ["--vocab", "2000", "--context", "16", "--emb", $"{emb}", "--layers", "2", "--heads", "2"];

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Program, .. arguments]) { RedirectStandardOutput = true };
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // a killed runtime leaves its socket in the folder for temporary files
        return Process.Start(start)!;
    }

    private static void Finish(Process writer)
    {
        using (writer)
        {
            _ = writer.StandardOutput.ReadToEnd();
            writer.WaitForExit();
            Assert.Equal(0, writer.ExitCode);
        }
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        File.Delete(path);
    }

    private static string Content(string path) =>
        Directory.Exists(path)
            ? string.Join(
                '\n',
                Directory
                    .EnumerateFileSystemEntries(path, "*", new EnumerationOptions { AttributesToSkip = 0 })
                    .Order(StringComparer.Ordinal)
                    .Select(Sum))
        : File.Exists(path) ? Sum(path)
        : "absent";

    private static string Sum(string file) => $"{Path.GetFileName(file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}";
}
