using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>
/// A request and its row as JSON objects of their properties. A process and the process that it measures exchange them. Values that are
/// null are left out.
/// </summary>
/// <remarks>
/// A serializer has code for the type of each property. Each measured process would compile it, which takes longer than to load a small
/// model. Reflection has one code for all types.
/// </remarks>
internal static class RecordJson
{
    private static readonly Dictionary<Type, Form> Forms = new()
    {
        [typeof(MeasureRequest)] = Form.Of(() => new MeasureRequest(null!)),
        [typeof(LoadRequest)] = Form.Of(() => new LoadRequest { Path = null, Strategy = default }),
        [typeof(LoadBounds)] = Form.Of(() => new LoadBounds()),
        [typeof(Vocabulary)] = Form.Of(() => new Vocabulary([], [])),
        [typeof(LoadMeasurement)] = Form.Of(LoadMeasurement.Blank),
    };

    /// <summary>Writes a record, a <see cref="MeasureRequest"/> or a <see cref="LoadMeasurement"/>, without line breaks.</summary>
    public static void Write(Stream output, object record)
    {
        using var json = new Utf8JsonWriter(output);
        WriteObject(json, record);
    }

    /// <summary>Reads a record.</summary>
    /// <exception cref="JsonException">The text is not JSON, or a value does not have the type of its property.</exception>
    public static T Read<T>(string text)
        where T : class
    {
        using var document = JsonDocument.Parse(text);
        try
        {
            return (T)ReadObject(document.RootElement, typeof(T));
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException)
        {
            throw new JsonException(e.Message, e);
        }
    }

    private static void WriteObject(Utf8JsonWriter json, object record)
    {
        json.WriteStartObject();
        foreach (PropertyInfo property in Forms[record.GetType()].Properties)
        {
            if (property.GetValue(record) is object value)
            {
                json.WritePropertyName(property.Name);
                WriteValue(json, value);
            }
        }
        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case string text:
                json.WriteStringValue(text);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case Enum word:
                json.WriteStringValue(word.ToString());
                break;
            case TimeSpan time:
                json.WriteNumberValue(time.Ticks);
                break;
            case DateTimeOffset time:
                json.WriteStringValue(RowTime.Text(time));
                break;
            case IReadOnlyList<string> texts:
                json.WriteStartArray();
                foreach (string text in texts)
                {
                    json.WriteStringValue(text);
                }
                json.WriteEndArray();
                break;
            default:
                WriteObject(json, value);
                break;
        }
    }

    private static object ReadObject(JsonElement json, Type type)
    {
        Form form = Forms[type];
        object record = form.Create();
        foreach (PropertyInfo property in form.Properties)
        {
            if (json.TryGetProperty(property.Name, out JsonElement value))
            {
                property.SetValue(record, ReadValue(value, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType));
            }
        }
        return record;
    }

    private static object ReadValue(JsonElement json, Type type)
    {
        if (type == typeof(string))
        {
            return json.GetString() ?? throw new InvalidOperationException("A text is null.");
        }
        if (type == typeof(IReadOnlyList<string>))
        {
            var texts = new List<string>(json.GetArrayLength());
            foreach (JsonElement text in json.EnumerateArray())
            {
                texts.Add(text.GetString()!);
            }
            return texts;
        }
        return type == typeof(bool) ? json.GetBoolean()
            : type == typeof(int) ? json.GetInt32()
            : type == typeof(long) ? json.GetInt64()
            : type.IsEnum ? Enum.Parse(type, json.GetString()!)
            : type == typeof(TimeSpan) ? TimeSpan.FromTicks(json.GetInt64())
            : type == typeof(DateTimeOffset) ? json.GetDateTimeOffset()
            : ReadObject(json, type);
    }

    /// <summary>The parts of a record type.</summary>
    /// <param name="Create">Creates a record whose properties have their defaults.</param>
    /// <param name="Properties">Its properties that have their own value: the public ones, and internal ones with
    /// JsonIncludeAttribute.</param>
    private sealed record Form(Func<object> Create, PropertyInfo[] Properties)
    {
        private const DynamicallyAccessedMemberTypes Members =
            DynamicallyAccessedMemberTypes.PublicProperties | DynamicallyAccessedMemberTypes.NonPublicProperties;

        public static Form Of<[DynamicallyAccessedMembers(Members)] T>(Func<T> create)
            where T : class =>
            new(
                create,
                [
                    .. typeof(T).GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                        .Where(property => property.CanWrite
                            && (property.GetMethod!.IsPublic || property.IsDefined(typeof(JsonIncludeAttribute)))),
                ]);
    }
}
