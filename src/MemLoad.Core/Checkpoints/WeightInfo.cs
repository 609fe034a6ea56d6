using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>
/// One tensor of a checkpoint: its description and the location of its bytes. The properties are flat and of primitive types, so that CSV
/// and remoting keep them.
/// </summary>
public sealed record WeightInfo
{
    /// <summary>The name in the state dict.</summary>
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
    /// <summary>Absolute path of the file that has the tensor. For a tensor in several chunks, it is the file of the first chunk.</summary>
    public required string File { get; init; }
    /// <summary>Byte offset of the first element in that file. For a compressed record, it is the offset of the record.</summary>
    public required long Offset { get; init; }
    /// <summary>Number of the storage. Tensors with equal numbers share memory.</summary>
    public required int Storage { get; init; }
    /// <summary>
    /// SHA-256 over the elements, contiguous, little-endian and row-major, in lowercase hex; null unless it was requested.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sha256 { get; init; }
    /// <summary>Absolute path of the checkpoint.</summary>
    public required string Path { get; init; }
    /// <summary>The format of the checkpoint, a <see cref="CheckpointFormat"/>.</summary>
    public required string Format { get; init; }

    /// <summary>Returns the tensors of a checkpoint, in the order of the file. Each is created when it is enumerated.</summary>
    /// <param name="checkpoint">The checkpoint.</param>
    /// <param name="hashes">The SHA-256 of each tensor, from <see cref="WeightsDigest.OfTensors"/>; null to leave them out.</param>
    /// <exception cref="ArgumentException">There is not one hash per tensor.</exception>
    public static IEnumerable<WeightInfo> Of(Checkpoint checkpoint, string[]? hashes = null)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        WeightsDigest.RequireOnePerTensor(hashes, checkpoint);
        return Describe(checkpoint, hashes);
    }

    private static IEnumerable<WeightInfo> Describe(Checkpoint checkpoint, string[]? hashes)
    {
        string format = checkpoint.Format.ToString();
        // Readers use the same array for tensors with equal shapes, so neighbors also share the text.
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

/// <summary>Numbers with commas between them, which are a list in JSON.</summary>
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
        // The list is on one line, even if the rest is indented.
        writer.WriteRawValue($"[{value.Replace(",", ", ", StringComparison.Ordinal)}]", skipInputValidation: true);
    }
}
