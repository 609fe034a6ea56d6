using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MemLoad.Cli;

/// <summary>What <c>inspect</c> prints.</summary>
/// <param name="Path">Absolute path of the checkpoint.</param>
/// <param name="Format">Its format, recognised from the content.</param>
/// <param name="FileBytes">Bytes of all its files.</param>
/// <param name="Metadata">The entries that are no tensors.</param>
/// <param name="Tensors">The tensors, in the order of the file.</param>
internal sealed record InspectResult(
    string Path,
    CheckpointFormat Format,
    long FileBytes,
    [property: JsonConverter(typeof(MetadataConverter))] IReadOnlyDictionary<string, object?> Metadata,
    IReadOnlyList<TensorRow> Tensors);

/// <summary>One tensor of a checkpoint.</summary>
/// <param name="Name">Its name in the state dict.</param>
/// <param name="DType">PyTorch's name of the element type, without <c>torch.</c>.</param>
/// <param name="Shape">Dimensions in elements; empty for a scalar.</param>
/// <param name="Strides">One a dimension, in elements.</param>
/// <param name="Bytes">Bytes of the elements when contiguous.</param>
/// <param name="File">The file that holds it, relative to the checkpoint's folder.</param>
/// <param name="Offset">Byte offset of its first element in that file.</param>
/// <param name="Sha256">SHA-256 over the elements, contiguous, little-endian and row-major, lowercase hex; absent unless asked for.</param>
internal sealed record TensorRow(
    string Name,
    string DType,
    ImmutableArray<long> Shape,
    ImmutableArray<long> Strides,
    long Bytes,
    string File,
    long Offset,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Sha256 = null);
