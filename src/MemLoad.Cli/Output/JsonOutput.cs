using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>Writes JSON in ASCII, so that no code page can change it.</summary>
internal static class JsonOutput
{
    /// <summary>The types that can be written. The code is generated at build time, without reflection.</summary>
    public static readonly CliJson Types = new(new JsonSerializerOptions
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new JsonStringEnumConverter<CheckpointFormat>(),
            new JsonStringEnumConverter<Strategy>(),
            new JsonStringEnumConverter<Counted>(),
            new CompactIntegers(),
            new CompactNumbers(),
        },
    });

    public static void Write<T>(T value, JsonTypeInfo<T> type, TextWriter output)
    {
        output.Write(Text(value, type));
        output.Write('\n');
    }

    /// <summary>Returns the text of a value, without a line end.</summary>
    public static string Text<T>(T value, JsonTypeInfo<T> type)
    {
        string json = JsonSerializer.Serialize(value, type);
        if (!Ascii.IsValid(json))
        {
            // Characters outside ASCII occur only in strings, where an escape is equivalent.
            var ascii = new StringBuilder(json.Length + 64);
            foreach (char c in json)
            {
                _ = char.IsAscii(c) ? ascii.Append(c) : ascii.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            json = ascii.ToString();
        }
        return json;
    }
}

/// <summary>The types that are written as JSON, and, by their properties, as CSV.</summary>
[JsonSerializable(typeof(LoadMeasurement[]))]
[JsonSerializable(typeof(LoadForecast[]))]
[JsonSerializable(typeof(LoadPlanStep[]))]
[JsonSerializable(typeof(InspectResult))]
[JsonSerializable(typeof(WeightVerdict[]))]
[JsonSerializable(typeof(WeightManifestInfo))]
[JsonSerializable(typeof(WeightCacheInfo))]
[JsonSerializable(typeof(WriteResult))]
[JsonSerializable(typeof(InvokeResult))]
[JsonSerializable(typeof(RuntimeResult))]
internal sealed partial class CliJson : JsonSerializerContext;
