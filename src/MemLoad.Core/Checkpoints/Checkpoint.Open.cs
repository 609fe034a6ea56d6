namespace MemLoad;

public sealed partial class Checkpoint
{
    /// <summary>
    /// Opens a checkpoint of any known format. A file can be a PyTorch file of either kind, safetensors, GGUF (one file or several), a
    /// <c>*.index.json</c>, or the manifest of an Ollama model. It can also be the <c>.metadata</c> of a distributed checkpoint. The path
    /// can be a folder. A model in the cache of the Hugging Face hub is opened by its folder or as <c>hf://org/name</c>. Reads only headers
    /// and keeps no file open. The content determines the format. A name that contradicts the content is refused. The path can be the
    /// address of a file on a server (<c>https://</c>), of which only ranges are fetched. Such a checkpoint can be planned and listed, but
    /// its bytes cannot be read (ML5201).
    /// </summary>
    /// <param name="path">File, folder, <c>hf://</c> or <c>https://</c>; relative paths count from the current folder of the
    /// process.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <exception cref="MemLoadException">The path or its content breaks a rule (ML1xxx to ML6xxx).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Checkpoint Open(string path, CancellationToken cancellationToken = default) =>
        Open(path, OpenLimits.FromEnvironment(), cancellationToken);

    /// <summary>Opens a checkpoint with limits on what its headers may claim.</summary>
    /// <param name="path">File or folder; relative paths count from the current folder of the process.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <exception cref="MemLoadException">The path or its content breaks a rule (ML1xxx to ML6xxx).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Checkpoint Open(string path, OpenLimits limits, CancellationToken cancellationToken = default) =>
        Open(path, limits, null, cancellationToken).RequireWhole();

    /// <summary>Opens the selected part of a checkpoint. Entries that cannot be read need only be left out of it.</summary>
    /// <param name="path">As for <see cref="Open(string, CancellationToken)"/>.</param>
    /// <param name="key">As for <see cref="Select"/>, as are the patterns.</param>
    /// <param name="include">Names to keep.</param>
    /// <param name="exclude">Names to drop.</param>
    /// <param name="allowOpaque">As for <see cref="OpenLimits.AllowOpaque"/>.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <param name="headersOnly">Whether no bytes of tensors will be read, so that the checkpoint may be on a server.</param>
    internal static Checkpoint OpenSelected(
        string path, string? key, IReadOnlyList<string>? include, IReadOnlyList<string>? exclude, bool allowOpaque,
        CancellationToken cancellationToken, bool headersOnly = false)
    {
        if (!headersOnly)
        {
            RemoteAddress.RefuseBytes(path);
        }
        OpenLimits limits = OpenLimits.FromEnvironment() with { AllowOpaque = allowOpaque };
        return Open(path, limits, null, cancellationToken).Select(key, include, exclude);
    }

    /// <summary>Opens a checkpoint and leaves its files open for a load.</summary>
    /// <param name="path">File or folder; relative paths count from the current folder of the process.</param>
    /// <param name="limits">The limits on what its headers may claim.</param>
    /// <param name="files">Takes the open files; null to close them.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>The checkpoint, which may have entries that cannot be read: see <see cref="RequireWhole"/> and
    /// <see cref="Select"/>.</returns>
    internal static Checkpoint Open(string path, OpenLimits limits, CheckpointFileSet? files, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(limits);
        if (RemoteAddress.Is(path))
        {
            return OpenRemote(path, limits, cancellationToken);
        }
        path = HubCache.FullPathOf(path);
        FileKind.MustBeNamedAsFile(path);
        var opening = new Opening(new OpenBudget(limits), files, cancellationToken);
        if (Directory.Exists(path))
        {
            return OllamaModel.IsBelowManifests(path) ? OllamaModel.ReadFolder(path, opening)
                : HubCache.ModelFolder(path) is string model ? HubCache.Open(model, opening)
                : FolderReader.Read(path, opening);
        }
        if (OllamaModel.IsBelowManifests(path) && File.Exists(path))
        {
            return OllamaModel.Read(path, opening);
        }
        if (System.IO.Path.GetFileName(path) == DistributedReader.MetadataName
            && System.IO.Path.GetDirectoryName(path) is string folder
            && DistributedReader.IsIn(folder))
        {
            return DistributedReader.Read(folder, opening);
        }
        return OpenNamed(path, opening);
    }

    private static Checkpoint OpenRemote(string address, OpenLimits limits, CancellationToken cancellationToken)
    {
        using var session = new RemoteSession(address, limits, cancellationToken);
        string path = session.Find();
        return System.IO.Path.GetFileName(path) == DistributedReader.MetadataName
            ? throw Rules.DistributedFile.Broken("the file describes a distributed checkpoint, which cannot be read on a server", path,
                remedy: DownloadFolder)
            : OpenNamed(path, new Opening(new OpenBudget(limits, session), null, cancellationToken));
    }

    private static Remedy DownloadFolder => "Download the whole folder of the checkpoint, and give its path.";

    private static Checkpoint OpenNamed(string path, Opening opening) =>
        System.IO.Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase)
            ? ShardIndexReader.Read(path, opening)
            : OpenAlone(path, opening);

    // The user chose the file: one part of a set opens by itself, and says so. GGUF says in its keys which files belong together.
    private static Checkpoint OpenAlone(string path, Opening opening)
    {
        Checkpoint file = OpenFile(path, opening);
        return file.Format == CheckpointFormat.Gguf ? GgufSet.Whole(file, opening)
            : FolderNames.PartOf(System.IO.Path.GetFileName(path)) is { Count: > 1 } part
                ? file.WithFindings([$"by its name the file is part {part.Number} of {part.Count}, and the other parts are not read"])
                : file;
    }

    /// <summary>Opens one file of tensors, which is a checkpoint or a part of one.</summary>
    internal static Checkpoint OpenFile(string path, Opening opening)
    {
        WholeFile file = opening.Budget.Open(path);
        try
        {
            return ReadFile(file, opening.Budget.OfFile(path), opening.Stop);
        }
        finally
        {
            CheckpointFileSet.KeepOrClose(opening.Files, file);
        }
    }

    private static Checkpoint ReadFile(WholeFile file, FileBudget budget, CancellationToken cancellationToken)
    {
        string path = file.Path;
        if (FolderNames.IsDistributed(System.IO.Path.GetFileName(path)))
        {
            throw Rules.DistributedFile.Broken("the file contains chunks of tensors, which only .metadata in its folder describes", path,
                remedy: budget.Whole.Remote is not null ? DownloadFolder
                    : (Remedy)$"Give the path of its folder: {(Setting.Path, TypedPath.Of(System.IO.Path.GetDirectoryName(path)!))}.");
        }
        RequireLength(file.Length, path);
        CheckpointFormat format = Sniff(file);
        if (FormatNames.Contradicts(path, format))
        {
            throw Rules.ExtensionWrong.Broken(
                $"the file is named {System.IO.Path.GetExtension(path)} but its content is {Describe(format)}", path);
        }
        Checkpoint checkpoint = format switch
        {
            CheckpointFormat.TorchZip => TorchZipReader.Read(file, budget, cancellationToken),
            CheckpointFormat.TorchLegacy => TorchLegacyReader.Read(file, budget, cancellationToken),
            CheckpointFormat.Gguf => GgufReader.Read(file, budget, cancellationToken),
            CheckpointFormat.TorchSharp => TorchSharpReader.Read(file, budget, cancellationToken),
            _ => SafetensorsReader.Read(file, budget, cancellationToken),
        };
        budget.Settle();
        return checkpoint;
    }

    /// <summary>Selects a part of the tensors. Storages that no selected tensor needs are neither read nor counted.</summary>
    /// <param name="key">Dotted name of a container or tensor to select, such as <c>model_state_dict</c>. Its tensors lose that
    /// prefix.</param>
    /// <param name="include">Keep only names that match one of these patterns (<c>*</c> and <c>?</c>, case ignored); all if empty.</param>
    /// <param name="exclude">Drop names that match one of these patterns.</param>
    /// <exception cref="MemLoadException">ML6005 if the key names nothing, ML6006 if nothing is left.</exception>
    /// <exception cref="ArgumentException">A pattern is null.</exception>
    public Checkpoint Select(string? key, IReadOnlyList<string>? include = null, IReadOnlyList<string>? exclude = null)
    {
        var selection = new TensorSelection(key, include, exclude);
        RefusedEntry? refused = Refused.FirstOrDefault(entry => selection.BelowKey(entry.Name) is string below && selection.Keeps(below));
        if (refused is not null)
        {
            throw refused.Reason;
        }
        ImmutableArray<TensorEntry> chosen = Tensors;
        IReadOnlyDictionary<string, object?> metadata = Metadata;
        if (selection.HasKey)
        {
            chosen =
            [
                .. Tensors
                    .Select(tensor => selection.BelowKey(tensor.Name) is string name ? tensor with { Name = name } : null)
                    .OfType<TensorEntry>(),
            ];
            metadata = Metadata.Where(item => selection.BelowKey(item.Key) is not null)
                .ToDictionary(item => selection.BelowKey(item.Key)!, item => item.Value, StringComparer.Ordinal);
            if (chosen.IsEmpty)
            {
                throw Rules.KeyNotFound.Broken($"there is no tensor '{key}' and none below that key", Path);
            }
        }
        if (selection.HasPatterns)
        {
            chosen = [.. chosen.Where(tensor => selection.Keeps(tensor.Name))];
            if (chosen.IsEmpty)
            {
                throw Rules.NothingSelected.Broken($"none of the {Tensors.Length} tensors is left after include and exclude", Path);
            }
        }
        return chosen == Tensors && Refused.IsEmpty ? this : Narrowed(Storages, chosen, metadata);
    }

    /// <summary>
    /// Refuses the length of all files if no disk has it, as a server can state it. Larger offsets represent decoded bytes, and sums of a
    /// few lengths below it fit 64 bits.
    /// </summary>
    /// <exception cref="MemLoadException">ML1004.</exception>
    internal static void RequireLength(long bytes, string path)
    {
        if (FileDecoding.Holds(bytes))
        {
            throw Rules.FormatUnknown.Broken($"no checkpoint has {bytes} bytes", path);
        }
    }

    private static CheckpointFormat Sniff(WholeFile file)
    {
        string path = file.Path;
        if (file.Length == 0)
        {
            throw Rules.FileEmpty.Broken("the file has no bytes", path);
        }
        Span<byte> head = stackalloc byte[(int)Math.Min(file.Length, 512)];
        file.ReadExactly(0, head);
        LfsPointer.Refuse(head, path, file.Length);
        // This test is first. The length at the start of a safetensors file can equal the first bytes of a pickle (80 04 is 1152). In a
        // pickle, four zeros and a brace never follow.
        if (head.Length > 8 && head[4..8].SequenceEqual("\0\0\0\0"u8) && head[8..].TrimStart(" \t\r\n"u8) is [(byte)'{', ..])
        {
            return CheckpointFormat.Safetensors;
        }
        if (head.StartsWith(GgufReader.Magic))
        {
            return CheckpointFormat.Gguf;
        }
        if (head.StartsWith("PK\x03\x04"u8) || head.StartsWith("PK\x05\x06"u8))
        {
            return CheckpointFormat.TorchZip;
        }
        if (head is [0x80, >= 2 and <= 5, ..])
        {
            return CheckpointFormat.TorchLegacy;
        }
        NotWeights.Refuse(head, path, file.Length);
        if (System.IO.Path.GetExtension(path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase)
            || (head.Length > 8 && head[8] == '{'))
        {
            return CheckpointFormat.Safetensors;
        }
        if (head.Length > 262 && head[257..].StartsWith("ustar"u8))
        {
            throw Rules.LegacyTar.Broken("the file is a tar archive", path);
        }
        return TorchSharpReader.Begins(head)
            ? CheckpointFormat.TorchSharp
            : throw Rules.FormatUnknown.Broken("the content has no known format", path);
    }

    private static string Describe(CheckpointFormat format) => format switch
    {
        CheckpointFormat.TorchZip => "a PyTorch archive",
        CheckpointFormat.TorchLegacy => "a PyTorch file of the older format",
        CheckpointFormat.Gguf => "GGUF",
        CheckpointFormat.TorchSharp => "a file of TorchSharp",
        _ => "safetensors",
    };
}
