using System.Text;
using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>
/// The cache of the Hugging Face hub. A model is a folder <c>models--ORG--NAME</c>. Its file <c>refs/main</c> has a commit. The files in
/// <c>snapshots/COMMIT</c> are links. The names of the files in <c>blobs</c> are the hashes of their content. Nothing is downloaded.
/// </summary>
/// <remarks>Source: huggingface_hub, file_download.py and constants.py.</remarks>
internal static partial class HubCache
{
    private const string Scheme = "hf://";
    private const string ModelPrefix = "models--";
    private const string Snapshots = "snapshots";
    private const string Blobs = "blobs";
    private const string MainRevision = "main";
    private const int LongestRef = 1024;
    private const int LongestTextLink = 200;
    private const int ShortestCommit = 7;

    /// <summary>Whether a path is the address of a model on the hub, such as <c>hf://org/name</c>.</summary>
    public static bool IsAddress(string path) => path.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Returns the absolute path that an address or another path names. An address names a snapshot in the cache, or a file in one.
    /// </summary>
    /// <param name="path">An address <c>hf://[ORG/]NAME[@REVISION][/FILE]</c>, or a path.</param>
    /// <exception cref="MemLoadException">ML1001, ML5018, ML5019 or ML5021.</exception>
    public static string FullPathOf(string path) => IsAddress(path) ? Resolve(path, null) : FullPath.Of(path);

    /// <summary>Returns the path of a revision of a model.</summary>
    /// <param name="path">An address, or a folder <c>models--ORG--NAME</c>.</param>
    /// <param name="revision">A branch, a tag, or a commit or its first seven digits or more; null leaves the path as it is.</param>
    /// <param name="remote">Whether a model that is not in the cache is on the server of the hub. The path is then an address
    /// there.</param>
    /// <exception cref="MemLoadException">ML5018, ML5019 or ML5021: also if the path is of no model in the cache.</exception>
    public static string AtRevision(string path, string? revision, bool remote = false) =>
        IsAddress(path) ? Resolve(path, revision, remote)
        : revision is null ? path
        : !RemoteAddress.Is(path) && ModelFolder(FullPath.Of(path)) is string model ? SnapshotOf(model, revision)
        : throw Rules.HubAddress.Broken("a revision is given for a path that is not a model of the hub", path);

    /// <summary>
    /// The folder of the cache, from the environment: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, or the home folder.
    /// </summary>
    public static string Root()
    {
        string? Named(string variable, params string[] below) =>
            Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? Path.Combine([Expanded(value), .. below]) : null;

        return FullPath.Of(
            Named("HF_HUB_CACHE")
                ?? Named("HUGGINGFACE_HUB_CACHE")
                ?? Named("HF_HOME", "hub")
                ?? Named("XDG_CACHE_HOME", "huggingface", "hub")
                ?? Path.Combine(Home, ".cache", "huggingface", "hub"));
    }

    /// <summary>The folder of a model, if the path is one, or its folder of snapshots; otherwise null.</summary>
    /// <param name="path">An absolute path.</param>
    public static string? ModelFolder(string path)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        string folder = Path.GetFileName(path) == Snapshots ? Path.GetDirectoryName(path)! : path;
        return
            Path.GetFileName(folder).StartsWith(ModelPrefix, StringComparison.Ordinal) && Directory.Exists(Path.Combine(folder, Snapshots))
            ? folder
            : null;
    }

    /// <summary>
    /// Refuses to write beside a folder of the cache. To the programs of the hub, a file in <c>snapshots</c> is damage.
    /// </summary>
    /// <param name="checkpoint">An absolute path.</param>
    /// <exception cref="MemLoadException">ML9103.</exception>
    public static void RequireNoSnapshot(string checkpoint)
    {
        checkpoint = Path.TrimEndingDirectorySeparator(checkpoint);
        string? beside = Path.GetDirectoryName(checkpoint);
        if (ModelFolder(checkpoint) is not null
            || (beside is not null && Path.GetFileName(beside) == Snapshots && ModelFolder(beside) is not null))
        {
            throw Rules.TargetUnwritable.Broken(
                "a file next to this folder would damage the cache of the hub", checkpoint, remedy: "Name the file to write.");
        }
    }

    /// <summary>Opens the snapshot of a model that <c>refs/main</c> names.</summary>
    /// <exception cref="MemLoadException">ML5018 or ML5019, and what is wrong with the snapshot.</exception>
    public static Checkpoint Open(string model, Opening opening)
    {
        string snapshot = SnapshotOf(model, null);
        string[] unfinished = Unfinished(model);
        return FolderReader.Read(snapshot, opening).WithFindings(
            unfinished.Length == 0 ? [] : [$"downloads into the cache that were not completed: {Printable.List(unfinished)}"]);
    }

    /// <summary>
    /// Returns the file that a file of a snapshot refers to. Programs that copy a cache without its links write their targets as text. Only
    /// a file in <c>blobs</c> of the same model is followed.
    /// </summary>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="MemLoadException">ML5019: the target does not exist.</exception>
    public static string Follow(string path)
    {
        // For most paths, the regular expressions need not be started.
        if (!path.Contains("snapshots", StringComparison.Ordinal)
            || SnapshotPath().Match(path) is not { Success: true } match
            || new FileInfo(path) is not { Exists: true, Length: > 0 and <= LongestTextLink, LinkTarget: null })
        {
            return path;
        }
        string text;
        try
        {
            text = File.ReadAllText(path, Encoding.ASCII);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return path; // opening it reports why
        }
        if (BlobLink().Match(text) is not { Success: true } link)
        {
            return path;
        }
        string blob = Path.Combine(match.Groups["model"].Value, Blobs, link.Groups["blob"].Value);
        return File.Exists(blob) ? blob : throw Dangling(path, text);
    }

    /// <summary>The error for a path that is a link to nothing; null for other paths.</summary>
    /// <param name="path">A path at which no file can be opened.</param>
    public static MemLoadException? DanglingLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget is string target ? Dangling(path, target) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static MemLoadException Dangling(string path, string target)
    {
        string again = SnapshotPath().Match(path) is { Success: true } match
            ? DownloadAgain(match.Groups["model"].Value)
            : Rules.DownloadIncomplete.Remedy.ToString();
        return Rules.DownloadIncomplete.Broken(
            $"the file is a link to {Printable.Quote(target)}, which does not exist", path, remedy: again);
    }

    private static string Resolve(string address, string? revision, bool remote = false)
    {
        Match match = Address().Match(address);
        string name = match.Groups["name"].Value;
        if (!match.Success || name.Contains("--", StringComparison.Ordinal) || name.Contains("..", StringComparison.Ordinal))
        {
            throw Rules.HubAddress.Broken(
                $"{Printable.Quote(address)} is not the address of a model: hf://ORG/NAME, optionally with @REVISION or /FILE",
                address);
        }
        string? own = match.Groups["revision"] is { Success: true } group ? Uri.UnescapeDataString(group.Value) : null;
        if (own is not null && revision is not null && own != revision)
        {
            throw Rules.HubAddress.Broken(
                $"the address names the revision {Printable.Quote(own)}, and {Printable.Quote(revision)} was requested", address);
        }
        string[] parts = match.Groups["file"].Value.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!parts.All(IsPlainName))
        {
            throw Rules.HubAddress.Broken($"{Printable.Quote(address)} names a file outside the model", address);
        }
        string model = Path.Combine(Root(), ModelPrefix + name.Replace("/", "--", StringComparison.Ordinal));
        try
        {
            string path = Directory.Exists(model) ? Path.Combine([SnapshotOf(model, revision ?? own), .. parts])
                : throw Rules.HubMissing.Broken($"the cache has no model {Printable.Quote(name)}", model, remedy: DownloadOrAsk(model));
            if (!remote || HasWeights(path))
            {
                return path;
            }
        }
        catch (MemLoadException e) when (remote && (e.Rule == Rules.HubMissing || e.Rule == Rules.DownloadIncomplete))
        {
            // The server has the file, or reports why it does not.
        }
        string at = Uri.EscapeDataString(revision ?? own ?? MainRevision);
        return $"{RemoteSession.HubEndpoint}/{name}/resolve/{at}/{string.Join('/', parts.Select(Uri.EscapeDataString))}";
    }

    // Programs that need only the tokenizer or the configuration of a model download no more.
    private static bool HasWeights(string path) =>
        File.Exists(path) || (Directory.Exists(path) && FolderListing.Of(path) is { } listing
            && (listing.Indexes.Length > 0 || listing.TensorFiles.Length > 0));

    private static string SnapshotOf(string model, string? revision)
    {
        string snapshots = Path.Combine(model, Snapshots);
        string[] commits = Directory.Exists(snapshots) ? [.. FolderListing.NamesIn(snapshots)[true]] : [];
        string name = revision ?? MainRevision;
        string? commit = ReadRef(model, name);
        if (commit is null && revision is not null)
        {
            string[] beginning =
                revision.Length >= ShortestCommit
                    ? [.. commits.Where(known => known.StartsWith(revision, StringComparison.OrdinalIgnoreCase))]
                    : [];
            commit = beginning is [string one] ? one : null;
        }
        if (commit is null && revision is null && commits is [string only])
        {
            return Path.Combine(snapshots, only);
        }
        if (commit is null)
        {
            string have = commits.Length == 0 ? "no snapshot" : $"the snapshots {Printable.List(commits)}";
            throw Rules.HubMissing.Broken(
                $"the cache has no revision {Printable.Quote(name)} of {Printable.Quote(NameOf(model))}, and {have}", model,
                remedy: DownloadOrAsk(model));
        }
        return commits.Contains(commit, StringComparer.Ordinal) ? Path.Combine(snapshots, commit)
            : throw Rules.DownloadIncomplete.Broken(
                $"the revision {Printable.Quote(name)} is the commit {Printable.Quote(commit)}, of which the cache has no snapshot",
                model,
                remedy: DownloadAgain(model));
    }

    private static bool IsPlainName(string part) => part is not ("" or "." or "..") && !part.AsSpan().ContainsAny('\\', ':', '\0');

    // The commit that a branch or a tag names; null if there is none.
    private static string? ReadRef(string model, string name)
    {
        string[] parts = name.Split('/');
        if (!parts.All(IsPlainName))
        {
            return null;
        }
        string path = Path.Combine([model, "refs", .. parts]);
        if (!File.Exists(path))
        {
            return null;
        }
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        string text = Encoding.ASCII.GetString(file.ReadBytes(0, Math.Min(file.Length, LongestRef))).Trim();
        return text.Length > 0 && text.All(char.IsAsciiLetterOrDigit)
            ? text
            : throw Rules.DownloadIncomplete.Broken(
                $"the file contains {Printable.Quote(text)} and not a commit", path, remedy: DownloadAgain(model));
    }

    // A folder that cannot be listed can have files that can be read.
    private static string[] Unfinished(string model)
    {
        try
        {
            return [.. FolderListing.NamesIn(Path.Combine(model, Blobs))[false]
                .Where(name => name.EndsWith(".incomplete", StringComparison.Ordinal))];
        }
        catch (MemLoadException)
        {
            return [];
        }
    }

    private static string NameOf(string model) =>
        Path.GetFileName(model)[ModelPrefix.Length..].Replace("--", "/", StringComparison.Ordinal);

    private static string DownloadAgain(string model) =>
        $"Download the model with: hf download {Printable.Name(NameOf(model))}. MemLoad does not download models. It searches "
            + $"HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub.";

    private static Remedy DownloadOrAsk(string model) =>
        (Remedy)
            $"{DownloadAgain(model)} {(Act.Plan, Setting.Remote)} and {(Act.Inspect, Setting.Remote)} read the headers on the server "
                + $"of the hub.";

    private static string Home => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static string Expanded(string path) => path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? Home + path[1..] : path;

    private const RegexOptions Options = RegexOptions.CultureInvariant;

    [GeneratedRegex(
        @"^[Hh][Ff]://(?<name>[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?)(@(?<revision>[^/@]+))?(?<file>/.*)?$",
        Options)]
    private static partial Regex Address();

    /// <summary>Matches a file of a snapshot: the folder of the model, the commit, and the path of the file in the snapshot.</summary>
    [GeneratedRegex(@"^(?<model>.*[/\\]models--[^/\\]+)[/\\]snapshots[/\\](?<commit>[^/\\]+)[/\\](?<file>.+)$", Options)]
    internal static partial Regex SnapshotPath();

    [GeneratedRegex(@"^(\.\./){2,8}blobs/(?<blob>[0-9a-f]{4,64})$", Options)]
    private static partial Regex BlobLink();
}
