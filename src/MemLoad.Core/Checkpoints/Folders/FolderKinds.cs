using System.Text;
using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>Describes folders that are not a checkpoint, and the files in them that can be opened.</summary>
internal static partial class FolderKinds
{
    // A hint searches a few folders, not a disk.
    private const int MostFolders = 200;
    private const int Deepest = 3;
    private const int MostShown = 3;

    private const int LongestChecklist = 1 << 16;

    /// <summary>
    /// Whether the name of a file shows that it is a part of a model, even without other parts. Such files are parts of ZeRO stage 3 and
    /// layers of a pipeline.
    /// </summary>
    public static bool IsPartByName(string name) => ZeroName().IsMatch(name) || LayerName().IsMatch(name);

    /// <summary>Returns the error for files of several processes, each with a part of every large tensor.</summary>
    /// <param name="folder">Absolute path of the folder.</param>
    /// <param name="set">The common part of the names.</param>
    /// <param name="names">The names.</param>
    public static MemLoadException Ranks(string folder, string set, ImmutableArray<string> names)
    {
        string path = TypedPath.Of(Path.Combine(folder, names[0]));
        if (ZeroName().IsMatch(set))
        {
            return Rules.FolderKind.Broken(
                $"the folder is a DeepSpeed checkpoint of ZeRO stage 3: each of {Printable.List(names)} has a part of every tensor",
                folder,
                remedy: "Join the parts with the script that DeepSpeed writes next to the folder: python zero_to_fp32.py FOLDER_ABOVE "
                    + "NEW_FOLDER. Open the new folder.");
        }
        return Rules.FolderKind.Broken(
            names.Length > 1
                ? $"the folder has {names.Length} files {Printable.Quote(set)}, one per process of a model-parallel run: each has a part "
                    + $"of every large tensor"
                : $"the folder has {Printable.Quote(names[0])}, one of the files of a model-parallel run: each has a part of every "
                    + $"large tensor",
            folder,
            remedy: $"Use a checkpoint that is not split, such as the one that its publisher provides for transformers. To open one "
                + $"part, give its path: {(Setting.Path, path)}.");
    }

    /// <summary>
    /// Returns the number of parts of a Llama model, from the list of checksums in its folder. Returns 1 for any other file, and without a
    /// list.
    /// </summary>
    public static int LlamaParts(string folder, string name)
    {
        string list = Path.Combine(folder, "checklist.chk");
        if (!LlamaName().IsMatch(name) || !File.Exists(list))
        {
            return 1;
        }
        using CheckpointFileReader file = CheckpointFileReader.Open(list);
        string text = Encoding.Latin1.GetString(file.ReadBytes(0, Math.Min(file.Length, LongestChecklist)));
        return Math.Max(
            1,
            text.Split(['\n', '\r', ' ', '*'], StringSplitOptions.RemoveEmptyEntries)
                .Where(word => LlamaName().IsMatch(word))
                .Distinct(StringComparer.Ordinal)
                .Count());
    }

    /// <summary>Returns the error for a set of files that is not complete. Other files of the folder can be opened.</summary>
    public static MemLoadException Incomplete(
        string folder, ImmutableArray<string> present, ImmutableArray<string> missing, int count, IEnumerable<string> others)
    {
        string? other = others.FirstOrDefault();
        string path = TypedPath.Of(Path.Combine(folder, other ?? present[0]));
        return Rules.FolderIncomplete.Broken(
            $"by their names, {count - present.Length} of {count} parts of the checkpoint are missing: {Printable.List(missing)}", folder,
            remedy: other is null
                ? (Remedy)$"Download the missing parts into the folder. To open one part alone, give its path: {(Setting.Path, path)}."
                : (Remedy)$"Download the missing parts into the folder, or open another file of it: {(Setting.Path, path)}.");
    }

    /// <summary>Returns the error for a folder in which no file can be a model.</summary>
    public static MemLoadException WithoutModel(FolderListing listing)
    {
        string folder = listing.Folder;
        ImmutableArray<string> subfolders = listing.Subfolders;
        (string Path, FolderListing Listing)[] below = FoldersBelow(listing);
        if (subfolders.Any(name => StepName().IsMatch(name)))
        {
            return Known(
                "DeepSpeed",
                below,
                "Where it has files zero_pp_rank_*, join them with the script that DeepSpeed writes next to them: python zero_to_fp32.py "
                    + "FOLDER NEW_FOLDER.");
        }
        if (subfolders.Any(name => IterationName().IsMatch(name) || RankFolderName().IsMatch(name)))
        {
            return Known("Megatron", below, "Convert the checkpoint with the tools of Megatron, which join the ranks.");
        }
        string states = listing.TensorFiles.IsEmpty ? "" : $" but {Printable.List(listing.TensorFiles)} ({Kinds(listing)})";
        return Rules.FolderEmpty.Broken(
            $"the folder has no index and no file of a model{states}", folder, remedy: Below(listing, below) ?? Rules.FolderEmpty.Remedy);

        MemLoadException Known(string program, (string Path, FolderListing Listing)[] found, string advice)
        {
            string? file = found
                .Where(pair => !pair.Listing.IsDistributed)
                .SelectMany(pair => pair.Listing.ModelFiles.Select(name => Path.Combine(pair.Path, name)))
                .FirstOrDefault();
            Remedy remedy = advice;
            if (file is not null)
            {
                remedy = (Remedy)$"To open one file of it, give its path: {(Setting.Path, TypedPath.Of(file))}. {advice}";
            }
            return Rules.FolderKind.Broken(
                $"the folder is a checkpoint of {program}, with one file per process in "
                    + $"{Printable.List(found.Select(pair => Path.GetRelativePath(folder, pair.Path)).ToArray())}",
                folder,
                remedy: remedy);
        }
    }

    /// <summary>Returns the remedy that names subfolders with files of tensors; null if there are none.</summary>
    public static Remedy? Below(FolderListing listing) => Below(listing, FoldersBelow(listing));

    private static Remedy? Below(FolderListing listing, (string Path, FolderListing Listing)[] below)
    {
        if (below.Length == 0)
        {
            return null;
        }
        Remedy remedy = $"Files of tensors are in subfolders. Give the path of one: {(Setting.Path, TypedPath.Of(below[0].Path))}";
        foreach ((string path, _) in below.Skip(1).Take(MostShown - 1))
        {
            remedy.AppendFormatted((Remedy)$", or {(Setting.Path, TypedPath.Of(path))}");
        }
        remedy.AppendLiteral(below.Length > MostShown ? $", or one of {below.Length - MostShown} more." : ".");
        return remedy;
    }

    private static string Kinds(FolderListing listing) =>
        string.Join(", ", listing.TensorFiles.Select(FolderNames.CompanionKind).Distinct());

    // Returns the subfolders with files of tensors, the nearest first.
    private static (string Path, FolderListing Listing)[] FoldersBelow(FolderListing listing)
    {
        var found = new List<(string Path, FolderListing Listing)>();
        var waiting = new Queue<(FolderListing Listing, int Depth)>([(listing, 0)]);
        for (int looked = 0; looked < MostFolders && waiting.TryDequeue(out (FolderListing Listing, int Depth) next);)
        {
            foreach (string name in next.Listing.Subfolders)
            {
                string path = Path.Combine(next.Listing.Folder, name);
                if (looked++ >= MostFolders || TryList(path) is not { } child)
                {
                    continue;
                }
                if (child.IsDistributed || !child.Indexes.IsEmpty || child.ModelFiles.Any())
                {
                    found.Add((path, child));
                }
                if (next.Depth + 1 < Deepest)
                {
                    waiting.Enqueue((child, next.Depth + 1));
                }
            }
        }
        return [.. found];
    }

    // A folder that cannot be listed is left out.
    private static FolderListing? TryList(string path)
    {
        try
        {
            return FolderListing.Of(path);
        }
        catch (MemLoadException)
        {
            return null;
        }
    }

    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.IgnoreCase;

    [GeneratedRegex(@"zero_pp_rank", Options)]
    private static partial Regex ZeroName();

    [GeneratedRegex(@"^layer_[0-9]+-model", Options)]
    private static partial Regex LayerName();

    [GeneratedRegex(@"^consolidated\.[0-9]+\.pth$", Options)]
    private static partial Regex LlamaName();

    [GeneratedRegex(@"^global_step[0-9]+$", Options)]
    private static partial Regex StepName();

    [GeneratedRegex(@"^(iter_[0-9]+|release)$", Options)]
    private static partial Regex IterationName();

    [GeneratedRegex(@"^mp_rank_[0-9]+(_[0-9]+)*$", Options)]
    private static partial Regex RankFolderName();
}
