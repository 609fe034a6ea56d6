using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MemLoad;

/// <summary>
/// The hash of a file from its publisher, so that the content can be verified without a network. The caches of the Hugging Face hub and of
/// Ollama keep it. It is the name of a blob, or an entry in the list of the files of a commit (<c>trees/COMMIT.json</c>).
/// </summary>
/// <param name="Algorithm">SHA-256 of the content; SHA-1 of a git object for small files.</param>
/// <param name="Hex">The hash in lowercase hex.</param>
/// <param name="Bytes">The length that the list states; null if none does.</param>
internal sealed partial record PublisherHash(HashAlgorithmName Algorithm, string Hex, long? Bytes)
{
    private const long LargestTree = 100_000_000;

    private static readonly JsonRules TreeRules = new(
        Rules.DownloadIncomplete, Rules.DownloadIncomplete, Rules.DownloadIncomplete, Rules.DownloadIncomplete);

    /// <summary>The hash of a file; null if no cache states one.</summary>
    public static PublisherHash? Of(string path, OpenBudget budget)
    {
        string target = HubCache.Follow(path);
        try
        {
            target = File.ResolveLinkTarget(target, returnFinalTarget: true)?.FullName ?? target;
        }
        catch (IOException)
        {
        }
        PublisherHash? named = OfName(target);
        return HubCache.SnapshotPath().Match(path) is { Success: true } match && OfTree(match, budget) is PublisherHash listed
            ? named is null ? listed : named with { Bytes = listed.Bytes }
            : named;
    }

    /// <summary>Compares a file with the hash, and reports the bytes of each piece that is read.</summary>
    /// <exception cref="MemLoadException">ML5020, and the rules of reading.</exception>
    public void Verify(CheckpointFileReader file, Action<int> read, CancellationToken ct)
    {
        RequireLength(file);
        using var hash = IncrementalHash.CreateHash(Algorithm);
        if (Algorithm == HashAlgorithmName.SHA1)
        {
            hash.AppendData(Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {file.Length}\0")));
        }
        file.Stream(0, file.Length, piece =>
        {
            hash.AppendData(piece);
            read(piece.Length);
        }, ct);
        file.RequireUnchanged();
        string found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (found != Hex)
        {
            throw Rules.PublisherHash.Broken($"the content has the {Algorithm.Name} {found}, and the publisher's is {Hex}", file.Path);
        }
    }

    /// <summary>Compares the length of a file with the list.</summary>
    /// <exception cref="MemLoadException">ML5020.</exception>
    public void RequireLength(CheckpointFileReader file)
    {
        if (Bytes is long bytes && bytes != file.Length)
        {
            throw Rules.PublisherHash.Broken($"the file has {file.Length} bytes, and the publisher's has {bytes}", file.Path);
        }
    }

    private static PublisherHash? OfName(string path)
    {
        if (Path.GetFileName(Path.GetDirectoryName(path)) != "blobs"
            || BlobName().Match(Path.GetFileName(path)) is not { Success: true } match)
        {
            return null;
        }
        string hex = match.Groups["hex"].Value;
        return new PublisherHash(hex.Length == 2 * SHA1.HashSizeInBytes ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, hex, null);
    }

    // {"format_version":1,"files":{PATH:{"size","blob_id","lfs_sha256"?,"lfs_size"?}}}
    private static PublisherHash? OfTree(Match snapshot, OpenBudget whole)
    {
        string path = Path.Combine(snapshot.Groups["model"].Value, "trees", snapshot.Groups["commit"].Value + ".json");
        if (!File.Exists(path))
        {
            return null;
        }
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        if (file.Length is 0 or > LargestTree)
        {
            return null;
        }
        FileBudget budget = whole.OfFile(path);
        var json = new StrictJson(file, TreeRules, budget);
        string wanted = snapshot.Groups["file"].Value.Replace('\\', '/');
        PublisherHash? found = null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        json.Next(JsonTokenType.StartObject, "the list of files");
        while (json.NextName(names, out string name))
        {
            if (name != "files")
            {
                json.Next();
                json.Skip();
                continue;
            }
            var paths = new HashSet<string>(StringComparer.Ordinal);
            json.Next(JsonTokenType.StartObject, "files");
            while (json.NextName(paths, out string listed))
            {
                json.Next(JsonTokenType.StartObject, "a file", listed);
                PublisherHash? entry = ReadFile(ref json);
                found = listed == wanted ? entry : found;
            }
        }
        budget.Settle();
        return found;
    }

    private static PublisherHash? ReadFile(ref StrictJson json)
    {
        string? sha1 = null;
        string? sha256 = null;
        long? size = null;
        long? largeSize = null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (json.NextName(names, out string name))
        {
            json.Next();
            switch (name)
            {
                case "blob_id" when json.Token == JsonTokenType.String:
                    sha1 = json.Text();
                    break;
                case "lfs_sha256" when json.Token == JsonTokenType.String:
                    sha256 = json.Text();
                    break;
                case "size" when json.Token == JsonTokenType.Number && json.TryGetWhole(out long bytes):
                    size = bytes;
                    break;
                case "lfs_size" when json.Token == JsonTokenType.Number && json.TryGetWhole(out long bytes):
                    largeSize = bytes;
                    break;
                default:
                    json.Skip();
                    break;
            }
        }
        return sha256 is not null && BlobName().IsMatch(sha256) ? new PublisherHash(HashAlgorithmName.SHA256, sha256, largeSize ?? size)
            : sha1 is not null && BlobName().IsMatch(sha1) ? new PublisherHash(HashAlgorithmName.SHA1, sha1, size)
            : null;
    }

    [GeneratedRegex(@"^((?<hex>[0-9a-f]{40})|(sha256-)?(?<hex>[0-9a-f]{64}))$", RegexOptions.CultureInvariant)]
    private static partial Regex BlobName();
}
