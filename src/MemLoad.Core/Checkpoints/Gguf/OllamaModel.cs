using System.Text.Json;

namespace MemLoad;

/// <summary>
/// Opens a model of Ollama by its manifest, or by the folder of a model with one tag. The manifest is
/// <c>manifests/REGISTRY/NAMESPACE/MODEL/TAG</c> in the folder of the models. It is JSON that names layers by their SHA-256. The layer of
/// the weights is the GGUF file <c>blobs/sha256-…</c>.
/// </summary>
internal static class OllamaModel
{
    private const string Manifests = "manifests";
    private const string Blobs = "blobs";
    private const string WeightsLayer = "application/vnd.ollama.image.model";
    private const string DigestPrefix = "sha256:";
    private const int DigestDigits = 64;
    private const int LargestManifest = 1 << 20;

    private static readonly JsonRules ManifestRules = new(
        Rules.OllamaManifest, Rules.OllamaManifest, Rules.OllamaManifest, Rules.OllamaManifest);

    /// <summary>One layer, as the manifest states it.</summary>
    private readonly record struct Layer(string MediaType, string Digest, long? Bytes);

    /// <summary>Whether a path is in a folder <c>manifests</c> that is next to a folder <c>blobs</c>.</summary>
    public static bool IsBelowManifests(string path) => RootOf(path) is not null;

    /// <summary>Opens the weights that a manifest names. The path of the manifest is absolute.</summary>
    /// <exception cref="MemLoadException">ML4119 or ML4120, and what is wrong with the weights.</exception>
    public static Checkpoint Read(string path, Opening opening)
    {
        Layer[] weights = [.. ReadLayers(opening.Budget.OfFile(path)).Where(layer => layer.MediaType == WeightsLayer)];
        if (weights is not [Layer layer])
        {
            throw Rules.OllamaManifest.Broken($"the manifest names {weights.Length} layers of weights ({WeightsLayer})", path);
        }
        string hex = layer.Digest.StartsWith(DigestPrefix, StringComparison.Ordinal) ? layer.Digest[DigestPrefix.Length..] : "";
        if (hex.Length != DigestDigits || !hex.All(char.IsAsciiHexDigitLower))
        {
            throw Rules.OllamaManifest.Broken(
                $"the layer of weights has the digest {Printable.Quote(layer.Digest)}, which is not a SHA-256", path);
        }
        string blob = Path.Combine(RootOf(path)!, Blobs, $"sha256-{hex}");
        if (!File.Exists(blob))
        {
            throw Rules.OllamaBlob.Broken($"the weights of the manifest, {Path.GetFileName(blob)}, are not in the folder {Blobs}", path);
        }
        Checkpoint checkpoint = Checkpoint.OpenFile(blob, opening);
        return layer.Bytes is not long bytes || bytes == checkpoint.FileBytes
            ? checkpoint
            : throw Rules.OllamaBlob.Broken(
                $"the manifest states that the weights have {bytes} bytes, and the file has {checkpoint.FileBytes}", blob);
    }

    /// <summary>Opens the folder of a model, which has one manifest per tag. The path is absolute.</summary>
    /// <exception cref="MemLoadException">ML1002, ML4121, and what is wrong with the one manifest.</exception>
    public static Checkpoint ReadFolder(string folder, Opening opening)
    {
        string[] tags = [.. FolderListing.NamesIn(folder)[false].Where(name => name[0] != '.')];
        return tags is [string tag]
            ? Read(Path.Combine(folder, tag), opening)
            : throw Rules.OllamaTag.Broken(
                tags.Length == 0 ? "the folder itself has no manifests" : $"the folder has the manifests {Printable.List(tags)}", folder);
    }

    // Returns the folder that has the folder of manifests with the path, and the folder of blobs.
    private static string? RootOf(string path)
    {
        for (string? folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Path.GetFileName(folder) == Manifests
                && Path.GetDirectoryName(folder) is string root
                && Directory.Exists(Path.Combine(root, Blobs)))
            {
                return root;
            }
        }
        return null;
    }

    private static List<Layer> ReadLayers(FileBudget budget)
    {
        using CheckpointFileReader file = CheckpointFileReader.Open(budget.Path);
        if (file.Length is 0 or > LargestManifest)
        {
            throw Rules.OllamaManifest.Broken($"the file has {file.Length} bytes", budget.Path);
        }
        var json = new StrictJson(file, ManifestRules, budget);
        var layers = new List<Layer>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        json.Next(JsonTokenType.StartObject, "the manifest");
        while (json.NextName(names, out string name))
        {
            if (name == "layers")
            {
                json.Next(JsonTokenType.StartArray, "layers");
                while (json.NextItem())
                {
                    layers.Add(ReadLayer(ref json));
                }
            }
            else
            {
                json.Next();
                json.Skip();
            }
        }
        json.End(Rules.OllamaManifest);
        budget.Settle();
        return layers;
    }

    private static Layer ReadLayer(ref StrictJson json)
    {
        var layer = new Layer("", "", null);
        var names = new HashSet<string>(StringComparer.Ordinal);
        if (json.Token != JsonTokenType.StartObject)
        {
            throw json.Broken(Rules.OllamaManifest, "a layer is not an object");
        }
        while (json.NextName(names, out string name))
        {
            switch (name)
            {
                case "mediaType":
                    layer = layer with { MediaType = json.NextText("mediaType") };
                    break;
                case "digest":
                    layer = layer with { Digest = json.NextText("digest") };
                    break;
                case "size":
                    json.Next(JsonTokenType.Number, "size");
                    layer = layer with
                    {
                        Bytes = json.TryGetWhole(out long bytes)
                            ? bytes
                            : throw json.Broken(Rules.OllamaManifest, "the size of a layer is not a whole number"),
                    };
                    break;
                default:
                    json.Next();
                    json.Skip();
                    break;
            }
        }
        return layer;
    }
}
