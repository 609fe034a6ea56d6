using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MemLoad.Fuzz;

/// <summary>
/// Compares MemLoad with PyTorch for random and mutated pickles. A file that MemLoad opens must have exactly the tensors that PyTorch
/// reads. Types, shapes, bytes and the other plain values must be equal.
/// </summary>
internal sealed class Differential(ulong seed, string scratch, string python)
{
    private const int Batch = 128;
    private const int MostFindings = 100;

    private readonly ConcurrentDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private long _done;
    private long _tensors;

    /// <summary>The result whose inputs are shown; null for none.</summary>
    public string? Watched { get; init; }

    /// <summary>The number of inputs that were compared.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>Tensors that both read, over all inputs.</summary>
    public long Tensors => Interlocked.Read(ref _tensors);

    /// <summary>The number of inputs per result.</summary>
    public IReadOnlyDictionary<string, long> Counts => _counts;

    /// <summary>Inputs that the two read differently.</summary>
    public ConcurrentQueue<(ulong Index, string What)> Findings { get; } = new();

    /// <summary>PyTorch's version, once the first peer has started.</summary>
    public string Version { get; private set; } = "";

    /// <summary>
    /// Returns the input of an index. Three of four are in the zip format. One in ten is a fixture that is mutated in any part. Of the
    /// others, one in three has mutated opcodes.
    /// </summary>
    public static (string Name, byte[] Content) Make(ulong seed, ulong index)
    {
        var dice = new Dice(seed + 0x5eed, index);
        bool legacy = dice.OneIn(4);
        if (dice.OneIn(10))
        {
            FuzzInput input = Mutator.Make(legacy ? FuzzFormat.Legacy : FuzzFormat.Zip, seed, index);
            return (input.Files[0].Name, input.Files[0].Content);
        }
        var grammar = new PickleGrammar(dice, legacy);
        byte[] pickle = grammar.Make();
        if (dice.OneIn(3))
        {
            pickle = PickleOps.Mutate(pickle, [pickle, new PickleGrammar(dice, legacy).Make()], dice);
        }
        return legacy ? ("x.pt", TorchFile.Legacy(pickle, grammar.Keys)) : ("x.pth", TorchFile.Zip(pickle));
    }

    /// <summary>Compares a range of indices. The end is not included.</summary>
    public void Run(ulong from, ulong to, int threads)
    {
        long next = (long)from;
        Task.WaitAll([.. Enumerable.Range(0, threads).Select(_ => Task.Factory.StartNew(Work, TaskCreationOptions.LongRunning))]);

        void Work()
        {
            string folder = Path.Combine(scratch, $"memload-pickles-{Environment.ProcessId}-{Guid.NewGuid():n}");
            Directory.CreateDirectory(folder);
            var peer = new TorchPeer(python);
            Version = peer.Version;
            try
            {
                for (long start; (start = Interlocked.Add(ref next, Batch) - Batch) < (long)to;)
                {
                    Compare(ref peer, folder, (ulong)start, (int)Math.Min(Batch, (long)to - start));
                }
            }
            finally
            {
                peer.Dispose();
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    /// <summary>Describes the results of both readers for one input.</summary>
    public string Explain(byte[] content, string path)
    {
        File.WriteAllBytes(path, content);
        Ours ours = Read(path);
        using var peer = new TorchPeer(python);
        peer.Send([content], details: true).Wait();
        string theirs = peer.Receive() is null ? "PyTorch died" : peer.Details();
        return $"MemLoad, {ours.Rule ?? "opened"}:\n{ours.Message}{ours.TensorLines}{ours.PlainLines}{theirs}";
    }

    private void Compare(ref TorchPeer peer, string folder, ulong start, int count)
    {
        (string Name, byte[] Content)[] inputs = [.. Enumerable.Range(0, count).Select(i => Make(seed, start + (ulong)i))];
        Task sending = peer.Send(inputs.Select(input => input.Content));
        var ours = new Ours[count];
        for (int i = 0; i < count; i++)
        {
            string path = Path.Combine(folder, inputs[i].Name);
            File.WriteAllBytes(path, inputs[i].Content);
            ours[i] = Read(path);
        }
        for (int i = 0; i < count; i++)
        {
            PeerAnswer? answer = peer.Receive();
            Judge(start + (ulong)i, ours[i], answer);
            if (answer is null)
            {
                sending.Wait();
                peer.Dispose();
                peer = new TorchPeer(python);
                sending = peer.Send(inputs.Skip(i + 1).Select(input => input.Content));
            }
        }
        sending.Wait();
    }

    private void Judge(ulong index, Ours ours, PeerAnswer? answer)
    {
        string outcome;
        if (answer is null)
        {
            outcome = ours.Rule is null ? "PyTorch dies, MemLoad opens" : "PyTorch dies, MemLoad refuses";
        }
        else if (ours.Rule is not null)
        {
            outcome =
                answer.Safe.Status != PeerStatus.Refused ? $"only PyTorch reads, weights_only=True: MemLoad says {ours.Rule}"
                : answer.Full.Status != PeerStatus.Refused ? $"only PyTorch reads, weights_only=False: MemLoad says {ours.Rule}"
                : "both refuse";
        }
        else if (Difference(ours, answer.Safe, "weights_only=True") is string difference
            || (Difference(ours, answer.Full, "weights_only=False") is string other && (difference = other) is not null))
        {
            outcome = $"READ DIFFERENTLY, {difference}";
            if (Findings.Count < MostFindings)
            {
                Findings.Enqueue((index, difference));
            }
        }
        else if (answer.Safe.Status == PeerStatus.Refused)
        {
            outcome =
                answer.Full.Status == PeerStatus.Refused
                    ? "only MemLoad opens"
                    : Same("weights_only=False", ours, answer.Full, answer.Tensors);
        }
        else
        {
            outcome = Same("weights_only=True", ours, answer.Safe, answer.Tensors);
        }
        if (Watched is not null && outcome.Contains(Watched, StringComparison.Ordinal))
        {
            Console.WriteLine($"{index}\t{outcome}\t{ours.Message.TrimEnd()}");
        }
        _counts.AddOrUpdate(outcome, 1, (_, count) => count + 1);
        Interlocked.Increment(ref _done);
    }

    private string Same(string reader, Ours ours, PeerReading theirs, int tensors)
    {
        if (ours.IsLarge || theirs.Status != PeerStatus.Read)
        {
            return $"both read, {reader}, too large to compare";
        }
        Interlocked.Add(ref _tensors, tensors);
        return tensors > 0 ? $"both read the same, {reader}" : $"both read the same and no tensors, {reader}";
    }

    private static string? Difference(Ours ours, PeerReading theirs, string reader) =>
        theirs.Status == PeerStatus.NotListed ? $"{reader}: what PyTorch read cannot be listed"
        : theirs.Status != PeerStatus.Read || ours.IsLarge ? null
        : theirs.Tensors != Digest(ours.TensorLines) ? $"{reader}: tensors"
        : theirs.Plain != Digest(ours.PlainLines) ? $"{reader}: plain values"
        : null;

    private static Ours Read(string path)
    {
        try
        {
            var checkpoint = Checkpoint.Open(path);
            if (!Examiner.IsSmall(checkpoint))
            {
                return new Ours(null, "", "", "", IsLarge: true);
            }
            string tensors = string.Concat(
                checkpoint
                    .Tensors.Zip(Examiner.Lines(checkpoint))
                    .OrderBy(pair => pair.First.Name, ByUtf8)
                    .Select(pair => $"{pair.Second}\n"));
            string plain = string.Concat(
                checkpoint
                    .Metadata.Where(entry => entry.Value is not string)
                    .OrderBy(entry => entry.Key, ByUtf8)
                    .Select(entry => $"{entry.Key}\t{Text(entry.Value)}\n"));
            return new Ours(null, "", tensors, plain, IsLarge: false);
        }
        catch (MemLoadException e)
        {
            return new Ours(e.Rule.Id, $"{e.Message}\n", "", "", IsLarge: false);
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "None",
        bool flag => flag ? "True" : "False",
        double.NaN => "nan",
        double number => BitConverter.DoubleToUInt64Bits(number).ToString("x16", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static Comparer<string> ByUtf8 { get; } =
        Comparer<string>.Create((one, other) => Encoding.UTF8.GetBytes(one).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(other)));

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private sealed record Ours(string? Rule, string Message, string TensorLines, string PlainLines, bool IsLarge);
}
