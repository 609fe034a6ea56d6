using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad.Cli;

/// <summary>A shape on one line, where indented JSON would take a line for each number.</summary>
internal sealed class CompactIntegers : JsonConverter<ImmutableArray<long>>
{
    public override ImmutableArray<long> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, ImmutableArray<long> value, JsonSerializerOptions options) =>
        writer.WriteRawValue($"[{string.Join(", ", value.Select(item => item.ToString(CultureInfo.InvariantCulture)))}]");
}

/// <summary>Logits on one line, each with the digits that give the same number back.</summary>
internal sealed class CompactNumbers : JsonConverter<float[]>
{
    public override float[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    public override void Write(Utf8JsonWriter writer, float[] value, JsonSerializerOptions options) =>
        writer.WriteRawValue($"[{string.Join(", ", value.Select(Number))}]");

    private static string Number(float value) => NonFinite.Name(value) is string name ? $"\"{name}\"" : value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>The entries of a checkpoint that are no tensors: null, bool, long, <see cref="BigInteger"/>, double or string.</summary>
internal sealed class MetadataConverter : JsonConverter<IReadOnlyDictionary<string, object?>>
{
    public override IReadOnlyDictionary<string, object?> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException();

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
                    // A whole double keeps its point: 1.0 is not the integer 1.
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

/// <summary>JSON has no word for these numbers; PyTorch's are used, as strings.</summary>
internal static class NonFinite
{
    public static string? Name(double value) =>
        double.IsNaN(value) ? "nan" : double.IsPositiveInfinity(value) ? "inf" : double.IsNegativeInfinity(value) ? "-inf" : null;
}
