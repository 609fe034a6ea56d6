using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>
/// A GGUF checkpoint in several files, as gguf-split of llama.cpp writes them: <c>base-00001-of-00003.gguf</c> and so on. The keys of each
/// file state the number of the part and the number of parts. Any part opens the set. The first has the metadata of the model.
/// </summary>
internal static partial class GgufSet
{
    private const string Number = "split.no";
    private const string Count = "split.count";
    private const string TensorCount = "split.tensors.count";
    private const long MostParts = ushort.MaxValue;

    /// <summary>
    /// Returns the set that a file belongs to. Returns the file itself if it is not part of a set, or has another format.
    /// </summary>
    /// <exception cref="MemLoadException">ML4116 to ML4118, ML6001, and what is wrong with a part.</exception>
    public static Checkpoint Whole(Checkpoint part, Opening opening)
    {
        if (part.Format != CheckpointFormat.Gguf || !part.Metadata.ContainsKey(Count))
        {
            return part;
        }
        (long number, long count) = PlaceOf(part);
        if (count == 1)
        {
            return part;
        }
        string first = BaseOf(part.Path, number, count);
        string[] paths = [.. Enumerable.Range(0, (int)count).Select(i => PathOf(first, i, count))];
        if (opening.Budget.Remote is null
            && paths.Where(path => !File.Exists(path)).Select(path => Path.GetFileName(path)).ToArray() is { Length: > 0 } missing)
        {
            throw Rules.GgufPartMissing.Broken($"{missing.Length} of {count} parts are missing: {Printable.List(missing)}", part.Path);
        }
        var parts = new Checkpoint[count];
        for (int i = 0; i < count; i++)
        {
            parts[i] = i == number ? part : Checkpoint.OpenFile(paths[i], opening);
            (long Number, long Count) place = PlaceOf(parts[i]);
            if (place != (i, count))
            {
                throw Rules.GgufSplitKeys.Broken(
                    $"by its name the file is part {i + 1} of {count}, by its keys part {place.Number + 1} of {place.Count}", paths[i]);
            }
        }
        return Join(part.Path, parts);
    }

    // A file without keys of a set is the whole checkpoint.
    private static (long Number, long Count) PlaceOf(Checkpoint part)
    {
        object? number = part.Metadata.GetValueOrDefault(Number);
        object? count = part.Metadata.GetValueOrDefault(Count);
        if (count is null && number is null)
        {
            return (0, 1);
        }
        return number is long no && count is long parts && no >= 0 && no < parts && parts <= MostParts ? (no, parts)
            : throw Rules.GgufSplitKeys.Broken($"{Number} is {Say(number)} and {Count} is {Say(count)}", part.Path);

        static string Say(object? value) =>
            value is null ? "missing" : Printable.Quote(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
    }

    private static string BaseOf(string path, long number, long count)
    {
        Match match = PartName().Match(Path.GetFileName(path));
        if (match.Success)
        {
            string named = path[..^match.Length] + match.Groups["base"].Value;
            if (path == PathOf(named, (int)number, count))
            {
                return named;
            }
        }
        throw Rules.GgufSplitKeys.Broken(
            $"by its keys the file is part {number + 1} of {count}, but its name does not state this: it would end in "
                + $"{Ending((int)number, count)}",
            path);
    }

    private static string PathOf(string named, int number, long count) => named + Ending(number, count);

    private static string Ending(int number, long count) =>
        string.Create(CultureInfo.InvariantCulture, $"-{number + 1:d5}-of-{count:d5}.gguf");

    private static Checkpoint Join(string path, Checkpoint[] parts)
    {
        var merger = new CheckpointMerger();
        merger.AddAll(parts);
        int tensors = parts.Sum(part => part.Tensors.Length);
        foreach (Checkpoint part in parts)
        {
            if (part.Metadata.TryGetValue(TensorCount, out object? stated) && !(stated is long count && count == tensors))
            {
                throw Rules.GgufSetTensors.Broken($"the parts have {tensors} tensors together, and {TensorCount} is {stated}", part.Path);
            }
        }
        return merger.Build(path, CheckpointFormat.Gguf, parts[0].Metadata);
    }

    [GeneratedRegex(@"^(?<base>.+)-[0-9]{5}-of-[0-9]{5}\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex PartName();
}
