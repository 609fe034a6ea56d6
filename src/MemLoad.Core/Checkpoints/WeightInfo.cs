using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>
/// One tensor of a checkpoint: what it is and where its bytes lie. Flat and primitive, so that it survives CSV and remoting.
/// </summary>
public sealed record WeightInfo
{
    /// <summary>Its name in the state dict.</summary>
    public required string Name { get; init; }
    /// <summary>PyTorch's name of the element type, without <c>torch.</c>.</summary>
    public required string DType { get; init; }
    /// <summary>Dimensions in elements, such as <c>50257,768</c>; empty for a scalar. A list in JSON.</summary>
    [JsonConverter(typeof(NumberList))]
    public required string Shape { get; init; }
    /// <summary>One stride per dimension, in elements. A list in JSON.</summary>
    [JsonConverter(typeof(NumberList))]
    public required string Strides { get; init; }
    /// <summary>Number of elements.</summary>
    public required long ElementCount { get; init; }
    /// <summary>Bytes of the elements when contiguous.</summary>
    public required long Bytes { get; init; }
    /// <summary>Absolute path of the file that holds it; of its first chunk, if it lies in several.</summary>
    public required string File { get; init; }
    /// <summary>Byte offset of its first element in that file; of its record, if that is compressed.</summary>
    public required long Offset { get; init; }
    /// <summary>Number of its storage; tensors with equal numbers share memory.</summary>
    public required int Storage { get; init; }
    /// <summary>SHA-256 over its elements, contiguous, little-endian and row-major, lowercase hex; null unless asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sha256 { get; init; }
    /// <summary>Absolute path of the checkpoint.</summary>
    public required string Path { get; init; }
    /// <summary>Its format, a <see cref="CheckpointFormat"/>.</summary>
    public required string Format { get; init; }

    /// <summary>The tensors of a checkpoint, in the order of the file; each is described when it is asked for.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="hashes">The SHA-256 of each, from <see cref="WeightsDigest.OfTensors"/>; null to leave them out.</param>
    public static IEnumerable<WeightInfo> Of(Checkpoint checkpoint, string[]? hashes = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return Describe(checkpoint, hashes);
    }

    private static IEnumerable<WeightInfo> Describe(Checkpoint checkpoint, string[]? hashes)
    {
        string format = checkpoint.Format.ToString();
        // Readers give tensors with equal shapes the same array, so neighbors share the text, too.
        (ImmutableArray<long> shape, ImmutableArray<long> strides) = (default, default);
        (string shapeText, string stridesText) = ("", "");
        for (int i = 0; i < checkpoint.Tensors.Length; i++)
        {
            TensorEntry tensor = checkpoint.Tensors[i];
            if (tensor.Shape != shape)
            {
                shape = tensor.Shape;
                shapeText = string.Join(',', shape);
            }
            if (tensor.Strides != strides)
            {
                strides = tensor.Strides;
                stridesText = string.Join(',', strides);
            }
            Extent storage = checkpoint.Storages[tensor.Storage];
            CheckpointFile file = checkpoint.Files[storage.File];
            yield return new WeightInfo
            {
                Name = tensor.Name,
                DType = tensor.DType.TorchName(),
                Shape = shapeText,
                Strides = stridesText,
                ElementCount = tensor.ElementCount,
                Bytes = tensor.Bytes,
                File = file.Path,
                Offset = file.PositionOf(storage.Offset + tensor.ByteOffset),
                Storage = tensor.Storage,
                Sha256 = hashes?[i],
                Path = checkpoint.Path,
                Format = format,
            };
        }
    }
}

/// <summary>Numbers with commas between them, which JSON has as a list.</summary>
internal sealed class NumberList : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            numbers.Add(reader.GetInt64());
        }
        return string.Join(',', numbers);
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        // On one line, however the rest is indented.
        writer.WriteRawValue($"[{value.Replace(",", ", ", StringComparison.Ordinal)}]", skipInputValidation: true);
    }
}
