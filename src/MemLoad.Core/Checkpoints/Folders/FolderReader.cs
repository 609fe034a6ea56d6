namespace MemLoad;

/// <summary>
/// Determines the kind of checkpoint in a folder. A reading is an index and its shards, all parts of a set by their names, one file of
/// tensors, or one file per tensor. It must be complete, and it must be the only one. The other states that trainers save with a model do
/// not count as a reading. If one model is present in two formats, safetensors is read. In any other case the message has paths to type.
/// </summary>
internal static class FolderReader
{
    /// <summary>One reading of the folder: a file, or the files of a set.</summary>
    /// <param name="Name">The name of the file, or the common part of the names of the set.</param>
    /// <param name="Files">The files, in the order of their numbers.</param>
    /// <param name="Missing">The names of the first parts that are not there.</param>
    /// <param name="IsRanks">Whether the files are of several processes, each with a part of every large tensor.</param>
    /// <param name="Count">The number of parts.</param>
    private sealed record Candidate(string Name, ImmutableArray<string> Files, ImmutableArray<string> Missing, bool IsRanks, int Count = 1)
    {
        public bool IsSet => Name.Contains('*', StringComparison.Ordinal);

        public bool IsGguf => Name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
    }

    // A name can state any number of parts.
    private const int MostMissingNames = 6;

    /// <summary>Opens a folder, by its absolute path.</summary>
    /// <exception cref="MemLoadException">ML5001 to ML5017, and the rules of its files.</exception>
    public static Checkpoint Read(string folder, Opening opening)
    {
        FolderListing listing = FolderListing.Of(folder);
        if (listing.IsDistributed && DistributedReader.IsIn(folder))
        {
            return DistributedReader.Read(folder, opening);
        }
        if (!listing.Indexes.IsEmpty)
        {
            string index = Preferred(listing.Indexes) ?? throw Rules.FolderAmbiguous.Broken(
                $"the folder has the indexes {Printable.List(listing.Indexes)}", folder, remedy: TypedPath.OneOf(folder, listing.Indexes));
            Checkpoint sharded = ShardIndexReader.Read(Path.Combine(folder, index), opening);
            IEnumerable<string> named = sharded.Files.Select(file => Path.GetFileName(file.Path));
            return sharded.WithFindings(LeftOut([.. listing.Indexes.Where(other => other != index), .. listing.TensorFiles.Except(named)]));
        }
        Candidate[] candidates = CandidatesOf(listing);
        Candidate? chosen =
            candidates is [Candidate only] ? only
            : Preferred([.. candidates.Select(candidate => candidate.Name)]) is string name
                ? candidates.Single(candidate => candidate.Name == name)
            : null;
        if (chosen is null)
        {
            return candidates.Length == 0 ? throw FolderKinds.WithoutModel(listing) : ReadSeveral(listing, candidates, opening);
        }
        if (chosen.IsRanks || (chosen.Files is [string first] && FolderKinds.LlamaParts(folder, first) > 1))
        {
            throw FolderKinds.Ranks(folder, chosen.Name, chosen.Files);
        }
        if (!chosen.Missing.IsEmpty && !chosen.IsGguf) // whose reader knows more of the set
        {
            throw FolderKinds.Incomplete(
                folder,
                chosen.Files,
                chosen.Missing,
                chosen.Count,
                candidates.Where(candidate => candidate != chosen && candidate.Missing.IsEmpty).SelectMany(candidate => candidate.Files));
        }
        Checkpoint checkpoint = chosen.Files is [string lone, ..] && (chosen.Files.Length == 1 || chosen.IsGguf)
            ? GgufSet.Whole(Checkpoint.OpenFile(Path.Combine(folder, lone), opening), opening)
            : ReadSet(folder, chosen, opening);
        if (checkpoint.Tensors is [{ Name: "" }] && !chosen.IsSet)
        {
            return PerTensorFolderReader.Read(listing, opening);
        }
        return checkpoint.Tensors.IsEmpty && checkpoint.RequireWhole().Tensors.IsEmpty
            ? throw Rules.FolderEmpty.Broken(
                $"the file {Printable.Quote(chosen.Files[0])} of the folder contains no tensor",
                folder,
                remedy: FolderKinds.Below(listing) ?? Rules.FolderEmpty.Remedy)
            : checkpoint.WithFindings(LeftOut([.. listing.TensorFiles.Except(chosen.Files)]));
    }

    /// <summary>
    /// Returns the complete reading in the folder of an index that cannot be used. It is the whole file of its model, or all files of a set
    /// of the model. Null if there is none.
    /// </summary>
    public static (string Name, bool IsSet)? OtherWeightsOf(string indexPath)
    {
        string model = FolderNames.ModelOf(Path.GetFileName(indexPath)).Split(".index", 2)[0];
        Candidate? whole = CandidatesOf(FolderListing.Of(Path.GetDirectoryName(indexPath)!))
            .Where(candidate =>
                candidate.Missing.IsEmpty && !candidate.IsRanks && FolderNames.ModelOf(candidate.Name).Split("-*-of-", 2)[0] == model)
            .MinBy(candidate => candidate.IsSet);
        return whole is null ? null : (whole.Name, whole.IsSet);
    }

    // Reads the files as one file per tensor, unless their names have another meaning.
    private static Checkpoint ReadSeveral(FolderListing listing, Candidate[] candidates, Opening opening) =>
        candidates.All(candidate => !candidate.IsSet && FolderNames.CanBeSingle(candidate.Name))
            ? PerTensorFolderReader.Read(listing, opening)
            : throw Rules.FileNotOneTensor.Broken(
                $"the folder has {Printable.List([.. candidates.Select(candidate => candidate.Name)])}, and it is not clear which of them "
                    + $"is the checkpoint",
                listing.Folder, remedy: candidates.Any(candidate => candidate.IsSet && !candidate.IsGguf)
                    ? "Keep the files of one checkpoint in the folder and move the others, or download the index of the one to open, "
                        + "which names its files."
                    : TypedPath.OneOf(listing.Folder, [.. candidates.Select(candidate => candidate.Files[0])]));

    private static Candidate[] CandidatesOf(FolderListing listing)
    {
        var sets = new SortedDictionary<string, List<(int Number, int Count, string Name, bool IsRank)>>(StringComparer.Ordinal);
        foreach (string name in listing.ModelFiles)
        {
            PartName? counted = FolderNames.PartOf(name);
            (string set, int number, int count) = counted is { } part ? (part.Set, part.Number, part.Count)
                : FolderNames.RankOf(name) is { } rank ? (rank.Set, rank.Number, rank.Count) : (name, 0, 1);
            if (!sets.TryGetValue(set, out List<(int Number, int Count, string Name, bool IsRank)>? parts))
            {
                sets.Add(set, parts = []);
            }
            parts.Add((number, count, name, counted is null && set != name));
        }
        return [.. sets.Select(pair => CandidateOf(pair.Key, [.. pair.Value.OrderBy(part => part.Number)]))];
    }

    private static Candidate CandidateOf(string set, (int Number, int Count, string Name, bool IsRank)[] parts)
    {
        ImmutableArray<string> names = [.. parts.Select(part => part.Name)];
        (int first, int count, string name, bool isRank) = parts[0];
        if (isRank)
        {
            // A single process wrote the whole model, according to the name of the file.
            bool isWhole = parts.Length == 1 && first == 0 && count <= 1 && !FolderKinds.IsPartByName(name);
            return new Candidate(isWhole ? name : set, names, [], !isWhole);
        }
        if (set == name)
        {
            return new Candidate(name, names, [], IsRanks: false);
        }
        // Most programs count from 1, and some count from 0.
        int start = first == 0 ? 0 : 1;
        var present = parts.Select(part => part.Number).ToHashSet();
        IEnumerable<int> missing = Enumerable.Range(start, count).Where(number => !present.Contains(number)).Take(MostMissingNames);
        return new Candidate(set, names, [.. missing.Select(number => FolderNames.SiblingOf(name, number))], IsRanks: false, count);
    }

    // All parts are there, so the names of the tensors must be those of one model.
    private static Checkpoint ReadSet(string folder, Candidate set, Opening opening)
    {
        Checkpoint[] parts = ShardFiles.OpenAll([.. set.Files.Select(name => Path.Combine(folder, name))], opening);
        var merger = new CheckpointMerger();
        merger.AddAll(parts);
        return merger.Build(folder, CheckpointFormat.Sharded, new Dictionary<string, object?>())
            .WithFindings([$"the folder has no index: its {parts.Length} shards were read by their names"]);
    }

    // Returns the safetensors file if the names are of one model in several formats; null if they are of several models.
    private static string? Preferred(IReadOnlyCollection<string> names)
    {
        if (names.Count == 1)
        {
            return names.First();
        }
        string[] safe = [.. names.Where(name => name.Contains(".safetensors", StringComparison.OrdinalIgnoreCase))];
        return
            safe.Length == 1 && names.Select(FolderNames.ModelOf).Distinct(StringComparer.OrdinalIgnoreCase).Count() == 1
            ? safe[0]
            : null;
    }

    private static ImmutableArray<string> LeftOut(string[] names) =>
        names.Length == 0 ? [] : [$"left out of the folder: {Printable.List([.. names])}{Kinds(names)}"];

    private static string Kinds(string[] names)
    {
        string[] kinds = [.. names.Select(FolderNames.CompanionKind).OfType<string>().Distinct()];
        return kinds.Length == 0 ? "" : $" ({string.Join(", ", kinds)})";
    }
}
