using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>The text of a time in rows and in files of samples: ISO 8601 with milliseconds and offset, in every culture.</summary>
internal static class RowTime
{
    /// <summary>The present, to the millisecond, so that its text restores it.</summary>
    public static DateTimeOffset Now
    {
        get
        {
            DateTimeOffset now = DateTimeOffset.Now;
            return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMillisecond));
        }
    }

    public static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ss.fffzzz", CultureInfo.InvariantCulture);

    /// <summary>
    /// Reads a time. Other programs write it in ISO 8601 with other digits, or in the invariant culture. Without an offset it is a local
    /// time.
    /// </summary>
    /// <returns>False if the text is not a time.</returns>
    public static bool TryRead(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out time);

    /// <summary>The same text in JSON, which otherwise omits zeros.</summary>
    public sealed class Json : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Text(value));
    }
}
