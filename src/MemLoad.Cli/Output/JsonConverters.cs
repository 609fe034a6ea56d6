using System.Collections.Immutable;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad.Cli;

/// <summary>A converter of data that the program writes and never reads.</summary>
internal abstract class WriteOnlyConverter<T> : JsonConverter<T>
{
    public sealed override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();
}

/// <summary>Writes a shape on one line. Indented JSON would use one line per number.</summary>
internal sealed class CompactIntegers : WriteOnlyConverter<ImmutableArray<long>>
{
    public override void Write(Utf8JsonWriter writer, ImmutableArray<long> value, JsonSerializerOptions options) =>
        writer.WriteRawValue($"[{string.Join(", ", value.Select(item => item.ToString(CultureInfo.InvariantCulture)))}]");
}

/// <summary>Writes logits on one line, each with the digits that restore the same number.</summary>
internal sealed class CompactNumbers : WriteOnlyConverter<float[]>
{
    public override void Write(Utf8JsonWriter writer, float[] value, JsonSerializerOptions options) =>
        writer.WriteRawValue($"[{string.Join(", ", value.Select(Number))}]");

    private static string Number(float value) =>
        NonFinite.Name(value) is string name ? $"\"{name}\"" : value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>
/// Writes the entries of a checkpoint that are not tensors: null, bool, long, <see cref="BigInteger"/>, double or string.
/// </summary>
internal sealed class MetadataConverter : WriteOnlyConverter<IReadOnlyDictionary<string, object?>>
{
    public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, object?> value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach ((string name, object? entry) in value)
        {
            writer.WritePropertyName(name);
            switch (entry)
            {
                case null:
                    writer.WriteNullValue();
                    break;
                case bool flag:
                    writer.WriteBooleanValue(flag);
                    break;
                case long number:
                    writer.WriteNumberValue(number);
                    break;
                case BigInteger number:
                    writer.WriteRawValue(number.ToString(CultureInfo.InvariantCulture));
                    break;
                case double number when NonFinite.Name(number) is string nonFinite:
                    writer.WriteStringValue(nonFinite);
                    break;
                case double number:
                    // A whole double keeps its decimal point: 1.0 is not the integer 1.
                    string digits = number.ToString("R", CultureInfo.InvariantCulture);
                    writer.WriteRawValue(digits.AsSpan().ContainsAny(".E") ? digits : digits + ".0");
                    break;
                default:
                    writer.WriteStringValue(entry.ToString());
                    break;
            }
        }
        writer.WriteEndObject();
    }
}

/// <summary>Writes NaN and infinities, which JSON does not have, as strings with PyTorch's words.</summary>
internal static class NonFinite
{
    public static string? Name(double value) =>
        double.IsNaN(value) ? "nan" : double.IsPositiveInfinity(value) ? "inf" : double.IsNegativeInfinity(value) ? "-inf" : null;
}
