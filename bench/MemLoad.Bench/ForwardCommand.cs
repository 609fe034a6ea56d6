using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MemLoad.Bench;

/// <summary>
/// <c>forward</c>: passes of a GPT over a few tokens, compared with PyTorch and with the maximum speed of reading memory.
/// </summary>
internal static class ForwardCommand
{
    public const string Verb = "forward-child";

    private const string Reading = "limit: every weight read once";
    private const string Ours = "MemLoad";
    private const string Theirs = "PyTorch";

    public static Command Build()
    {
        var path = new Option<string?>("--path") { Description = "A GPT checkpoint; a generated one of --size if left out." };
        var size = new Option<string>("--size")
        {
            Description = "Size of the generated checkpoint.",
            DefaultValueFactory = _ => "gpt2-large",
        };
        var heads = new Option<int?>("--heads")
        {
            Description = "The model's number of attention heads, where it is of no published size.",
        };
        var tokens = new Option<int>("--tokens") { Description = "How many tokens.", DefaultValueFactory = _ => 3 };
        var repeat = new Option<int>("--repeat")
        {
            Description = "Rounds; in each, every contender runs ten passes.",
            DefaultValueFactory = _ => 5,
        };
        var command = new Command("forward", "Times forward passes.") { path, size, heads, tokens, repeat };
        command.SetAction(parsed =>
        {
            string checkpoint = Path.GetFullPath(parsed.GetValue(path) ?? GeneratedCheckpoint.Ensure(parsed.GetValue(size)!));
            GptConfig config = GptConfig.Infer(Checkpoint.Open(checkpoint).Tensors, parsed.GetValue(heads));
            string dimensions = JsonSerializer.Serialize<int[]>([
                config.VocabularySize,
                config.ContextLength,
                config.EmbeddingSize,
                config.LayerCount,
                config.HeadCount,
            ]);
            string ids = JsonSerializer.Serialize(Enumerable.Range(1, parsed.GetValue(tokens)).ToArray());
            PythonPeer? python = PythonPeer.Find();
            var samples = new Dictionary<string, List<Sample>> { [Reading] = [], [Ours] = [] };
            if (python is not null)
            {
                samples[Theirs] = [];
            }
            for (int round = 0; round < parsed.GetValue(repeat); round++)
            {
                foreach (string name in round % 2 == 0 ? samples.Keys : samples.Keys.Reverse())
                {
                    samples[name]
                        .Add(
                            name == Theirs
                                ? python!.Measure("forward.py", [checkpoint, dimensions, ids, "10"], Environment.ProcessorCount)
                                : Child.Run(
                                    Child.This(
                                        Verb,
                                        name == Ours ? "pass" : "read",
                                        checkpoint,
                                        ids,
                                        config.HeadCount.ToString(CultureInfo.InvariantCulture)),
                                    Environment.ProcessorCount));
                }
            }
            Series[] all =
            [
                .. samples.Select(one => new Series(one.Key, "cpu", "warm", Environment.ProcessorCount, WeightBytes(config), one.Value)),
            ];
            double? limit = all[0].MedianSeconds;
            Console.WriteLine(
                $"{Path.GetFileName(checkpoint)}, {parsed.GetValue(tokens)} tokens, {Environment.ProcessorCount} processors; medians of "
                    + $"{parsed.GetValue(repeat)}");
            foreach (Series one in all)
            {
                Console.WriteLine(
                    one.MedianSeconds is double seconds
                        ? string.Create(
                            CultureInfo.InvariantCulture,
                            $"{one.Contender, -32} {seconds * 1000, 7:0} ms {one.Bytes / seconds / 1e9, 6:0.00} GB/s "
                                + $"{limit / seconds * 100, 4:0}% {all[^1].MedianSeconds / seconds, 5:0.00} x {all[^1].Contender}")
                        : $"{one.Contender, -32} {one.Samples[0].Error}");
            }
            return 0;
        });
        return command;
    }

    public static int Run(string what, string path, string ids, string heads)
    {
        int[] tokens = JsonSerializer.Deserialize<int[]>(ids)!;
        using LoadedModel loaded = WeightLoader.Load(
            new LoadRequest
            {
                Path = path,
                Strategy = Strategy.Stream,
                Device = "cpu",
            });
        var model = new GptModel(GptConfig.Infer(loaded.Weights.Tensors, int.Parse(heads, CultureInfo.InvariantCulture)), name =>
            loaded.Weights[name]);
        Action pass = what == "pass" ? () => model.Forward(tokens) : () => ReadAll(loaded.Weights);
        pass();
        var seconds = new List<double>();
        for (int i = 0; i < 10; i++)
        {
            long start = Stopwatch.GetTimestamp();
            pass();
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        seconds.Sort();
        Console.WriteLine(JsonSerializer.Serialize(new Sample(seconds[seconds.Count / 2])));
        return 0;
    }

    // Whether a pass reads the whole weight. It reads all weights except the masks and the embeddings, of which it reads one row per token.
    private static bool IsRead(string name) =>
        !name.EndsWith(".mask", StringComparison.Ordinal) && !name.EndsWith("_emb.weight", StringComparison.Ordinal);

    private static long WeightBytes(GptConfig config) =>
        config
            .ToSpec()
            .Tensors.Where(tensor => IsRead(tensor.Name))
            .Sum(tensor => tensor.Shape.Aggregate(4L, (bytes, size) => bytes * size));

    private static unsafe void ReadAll(LoadedWeights weights) =>
        Parallel.ForEach(weights.Tensors.Where(tensor => IsRead(tensor.Name)), tensor =>
        {
            HostTensor host = weights[tensor.Name];
            _ = TensorPrimitives.Sum(MemoryMarshal.Cast<byte, float>(new ReadOnlySpan<byte>((byte*)host.Address, (int)tensor.Bytes)));
        });
}
