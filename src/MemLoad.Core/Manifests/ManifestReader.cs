using System.Buffers;
using System.Numerics;
using System.Text.Json;

namespace MemLoad;

/// <summary>Reads manifests. They come from other computers, as weights do, so they are not trusted.</summary>
internal static class ManifestReader
{
    /// <summary>The maximum bytes of a manifest that is read or written.</summary>
    public const long LargestManifest = 100_000_000;

    private const int MostDimensions = 64;
    private const int HashCharacters = 64;

    private static readonly JsonRules TextRules = new(
        Rules.ManifestEncoding, Rules.ManifestSyntax, Rules.ManifestNameRepeated, Rules.ManifestForm);
    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");
    private static readonly string[] Fields = ["ManifestVersion", "ModuleVersion", "WeightsDigest", "Tensors"];
    private static readonly string[] TensorFields = ["Name", "DType", "Shape", "Bytes", "Sha256"];

    /// <summary>Reads a manifest.</summary>
    /// <exception cref="MemLoadException">ML1001 to ML1011, ML6101 to ML6108.</exception>
    public static WeightManifest Read(string path, CancellationToken ct)
    {
        var budget = FileBudget.Alone(path);
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        LfsPointer.Refuse(file, path);
        if (file.Length is 0 or > LargestManifest)
        {
            throw file.Length == 0 ? Rules.FileEmpty.Broken("the file has no bytes", path, remedy: Rules.ManifestSyntax.Remedy)
                : Rules.ManifestTooLarge.Broken($"the manifest has {file.Length} bytes", path);
        }
        var json = new StrictJson(file, TextRules, budget);
        string? moduleVersion = null;
        string? digest = null;
        long digestPosition = 0;
        ImmutableArray<TensorDigest> tensors = default;
        uint seen = 0;
        json.Next(JsonTokenType.StartObject, "the manifest");
        for (int field; (field = json.NextField(Fields, ref seen)) >= 0;)
        {
            switch (field)
            {
                case 0:
                    RequireVersion(ref json);
                    break;
                case 1:
                    moduleVersion = json.NextText("ModuleVersion");
                    break;
                case 2:
                    digest = json.NextText("WeightsDigest");
                    digestPosition = json.Position;
                    break;
                case 3:
                    tensors = ReadTensors(ref json, ct);
                    break;
                default:
                    throw json.Broken(Rules.ManifestForm, $"the manifest has the unknown field {Printable.Quote(json.Text())}");
            }
        }
        json.End(Rules.ManifestSyntax);
        // ModuleVersion is the version of the writer. Other programs may omit it.
        int missing = BitOperations.TrailingZeroCount(~(seen | 0b10));
        if (missing < Fields.Length)
        {
            throw json.Broken(Rules.ManifestForm, $"the manifest has no {Fields[missing]}");
        }
        string computed = WeightsDigest.Of(tensors);
        return digest == computed
            ? new WeightManifest(moduleVersion, computed, tensors)
            : throw json.Broken(
                Rules.ManifestDigest,
                $"the tensors of the manifest have the digest {computed}, and it states {Printable.Quote(digest!)}",
                digestPosition);
    }

    private static void RequireVersion(ref StrictJson json)
    {
        json.Next(JsonTokenType.Number, "ManifestVersion");
        if (!json.TryGetWhole(out long version) || version != WeightManifest.Version)
        {
            throw json.Broken(Rules.ManifestVersion, $"the manifest is not of version {WeightManifest.Version}");
        }
    }

    private static ImmutableArray<TensorDigest> ReadTensors(ref StrictJson json, CancellationToken ct)
    {
        var tensors = ImmutableArray.CreateBuilder<TensorDigest>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        DType likely = default;
        json.Next(JsonTokenType.StartArray, "Tensors");
        while (json.NextItem())
        {
            ct.ThrowIfCancellationRequested();
            long position = json.Position;
            TensorDigest tensor = ReadTensor(ref json, position, likely);
            likely = tensor.DType;
            if (!names.Add(tensor.Name))
            {
                throw json.Broken(Rules.ManifestNameRepeated, $"the tensor {Printable.Quote(tensor.Name)} is listed twice", position);
            }
            tensors.Add(tensor);
        }
        return tensors.DrainToImmutable();
    }

    private static TensorDigest ReadTensor(ref StrictJson json, long position, DType likely)
    {
        if (json.Token != JsonTokenType.StartObject)
        {
            throw json.Broken(Rules.ManifestForm, "an item of Tensors is not an object");
        }
        (string name, DType dtype, ImmutableArray<long> shape, long bytes, string hash) = ("", default, [], 0, "");
        uint seen = 0;
        for (int field; (field = json.NextField(TensorFields, ref seen)) >= 0;)
        {
            switch (field)
            {
                case 0:
                    name = ReadName(ref json);
                    break;
                case 1:
                    dtype = ReadDType(ref json, likely);
                    break;
                case 2:
                    shape = ReadShape(ref json);
                    break;
                case 3:
                    json.Next(JsonTokenType.Number, "Bytes");
                    bytes = Whole(in json, "Bytes");
                    break;
                case 4:
                    hash = ReadHash(ref json);
                    break;
                default:
                    throw json.Broken(Rules.ManifestTensor, $"a tensor has the unknown field {Printable.Quote(json.Text())}");
            }
        }
        int missing = BitOperations.TrailingZeroCount(~seen);
        if (missing < TensorFields.Length)
        {
            throw json.Broken(Rules.ManifestTensor, $"tensor {Printable.Quote(name)} has no {TensorFields[missing]}", position);
        }
        var tensor = new TensorDigest(name, dtype, shape, hash);
        return BytesOf(tensor) == bytes
            ? tensor
            : throw json.Broken(
                Rules.ManifestTensor,
                $"tensor {Printable.Quote(name)} has {bytes} bytes, which are not those of its shape and dtype",
                position);
    }

    private static string ReadName(ref StrictJson json)
    {
        string name = json.NextText("Name");
        // The digest covers lines with names, so names must not have line ends. Names of checkpoints have none.
        return ControlCharacters.AreInTensorName(name)
            ? throw json.Broken(Rules.ManifestTensor, $"the tensor name {Printable.Quote(name)} has a control character")
            : name;
    }

    private static DType ReadDType(ref StrictJson json, DType likely)
    {
        string typeName = json.NextText("DType", likely: likely.TorchName());
        // An alias would give the same type and another digest.
        return DTypes.TryFromTorchName(typeName, out DType dtype) && dtype.TorchName() == typeName ? dtype
            : throw json.Broken(Rules.ManifestTensor, $"the dtype {Printable.Quote(typeName)} is unknown");
    }

    private static ImmutableArray<long> ReadShape(ref StrictJson json)
    {
        var shape = ImmutableArray.CreateBuilder<long>(4);
        json.Next(JsonTokenType.StartArray, "Shape");
        while (json.NextNumber("a dimension", "Shape"))
        {
            if (shape.Count == MostDimensions)
            {
                throw json.Broken(Rules.ManifestTensor, $"a tensor has more than {MostDimensions} dimensions");
            }
            shape.Add(Whole(in json, "a dimension"));
        }
        return shape.DrainToImmutable();
    }

    private static string ReadHash(ref StrictJson json)
    {
        string hash = json.NextText("Sha256");
        return hash.Length == HashCharacters && !hash.AsSpan().ContainsAnyExcept(Hexadecimal) ? hash
            : throw json.Broken(Rules.ManifestTensor, $"{Printable.Quote(hash)} is not a SHA-256 in lowercase hex");
    }

    private static long Whole(in StrictJson json, string what) => json.TryGetWhole(out long value) ? value
        : throw json.Broken(Rules.ManifestTensor, $"{what} is not a whole number from 0 to {long.MaxValue}");

    private static long? BytesOf(TensorDigest tensor)
    {
        try
        {
            return tensor.Bytes;
        }
        catch (OverflowException)
        {
            return null;
        }
    }
}
