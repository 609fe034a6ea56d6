using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MemLoad;

/// <summary>Creates manifests of checkpoints and writes them atomically. The same weights give the same bytes.</summary>
public static class ManifestWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = PrintableJson.Encoder };

    /// <summary>Hashes a checkpoint and writes its manifest.</summary>
    /// <param name="checkpoint">The checkpoint, or the selected part of it.</param>
    /// <param name="path">The file to write, with the extension <c>.json</c>.</param>
    /// <param name="overwrite">Whether an existing file is replaced.</param>
    /// <param name="bytesHashed">Receives the number of hashed bytes, of <see cref="WeightsDigest.BytesToHash"/>, from several
    /// threads.</param>
    /// <param name="cancellationToken">Stops the write. No file remains.</param>
    /// <exception cref="MemLoadException">ML1008 for a name without the extension of a manifest, ML9102 to ML9105, ML6101, and the rules of
    /// reading.</exception>
    public static WeightManifestInfo Write(Checkpoint checkpoint, string path, bool overwrite = false, IProgress<long>? bytesHashed = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentException.ThrowIfNullOrEmpty(path);
        RequireName(path);
        string target = WriteTarget.ForFile(path, overwrite);
        WriteTarget.RequireWritable(target);
        var manifest = WeightManifest.Of(checkpoint, WeightsDigest.OfTensors(checkpoint, bytesHashed, cancellationToken));
        Write(manifest, target, overwrite, cancellationToken);
        return new WeightManifestInfo
        {
            Path = checkpoint.Path,
            Manifest = target,
            Format = checkpoint.Format.ToString(),
            TensorCount = manifest.Tensors.Length,
            ModelBytes = checkpoint.ModelBytes,
            WeightsDigest = manifest.WeightsDigest,
            ModuleVersion = manifest.ModuleVersion!,
        };
    }

    /// <summary>Returns the default name of a manifest, which is that of the checkpoint, in the same folder or in another folder.</summary>
    /// <exception cref="MemLoadException">ML9103: the checkpoint is a folder in the cache of the hub, and no other folder is
    /// given.</exception>
    public static string DefaultPath(string checkpoint, string? folder = null)
    {
        checkpoint = FullPath.Of(checkpoint);
        string path = folder is null ? FormatNames.DefaultTargetOf(checkpoint) : Path.Combine(folder, FormatNames.NameOf(checkpoint));
        return path + WeightManifest.Extension;
    }

    // A wrong name must not replace weights, or an index, which is also JSON.
    private static void RequireName(string path)
    {
        if (!path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase))
        {
            throw Rules.ExtensionWrong.Broken($"the name of the manifest does not end in {WeightManifest.Extension}", path,
                remedy: $"Name it NAME{WeightManifest.Extension}.");
        }
    }

    private static void Write(WeightManifest manifest, string target, bool overwrite, CancellationToken ct)
    {
        ReadOnlyMemory<byte> text = Format(manifest);
        if (text.Length > ManifestReader.LargestManifest)
        {
            throw Rules.ManifestTooLarge.Broken($"the manifest of {manifest.Tensors.Length} tensors has {text.Length} bytes", target);
        }
        AtomicFile.Write(target, text.Span, overwrite, ct);
    }

    /// <summary>Returns the text: JSON in UTF-8 with one line per tensor, for use with <c>diff</c> and <c>grep</c>.</summary>
    internal static ReadOnlyMemory<byte> Format(WeightManifest manifest)
    {
        var text = new ArrayBufferWriter<byte>(1 << 16);
        Encoding.UTF8.GetBytes($"{{\n  \"ManifestVersion\": {WeightManifest.Version},\n", text);
        if (manifest.ModuleVersion is string version)
        {
            Field("ModuleVersion", version);
        }
        Field("WeightsDigest", manifest.WeightsDigest);
        text.Write("  \"Tensors\": ["u8);
        using var line = new Utf8JsonWriter(text, Options);
        for (int i = 0; i < manifest.Tensors.Length; i++)
        {
            text.Write(i == 0 ? "\n    "u8 : ",\n    "u8);
            Write(line, manifest.Tensors[i]);
            line.Flush();
            line.Reset();
        }
        text.Write("\n  ]\n}\n"u8);
        return text.WrittenMemory;

        void Field(string name, string value) =>
            Encoding.UTF8.GetBytes($"  \"{name}\": \"{JsonEncodedText.Encode(value, PrintableJson.Encoder)}\",\n", text);
    }

    private static void Write(Utf8JsonWriter json, TensorDigest tensor)
    {
        json.WriteStartObject();
        json.WriteString("Name", tensor.Name);
        json.WriteString("DType", tensor.DType.TorchName());
        json.WriteStartArray("Shape");
        foreach (long dimension in tensor.Shape)
        {
            json.WriteNumberValue(dimension);
        }
        json.WriteEndArray();
        json.WriteNumber("Bytes", tensor.Bytes);
        json.WriteString("Sha256", tensor.Sha256);
        json.WriteEndObject();
    }
}
