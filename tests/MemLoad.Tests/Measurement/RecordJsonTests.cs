using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace MemLoad.Tests.Measurement;

/// <summary>A request is equal in the process that is measured, and the row is equal in this process.</summary>
public sealed class RecordJsonTests
{
    // The forecast of a row in the process that created it. Its columns are columns of the row.
    private static readonly string[] Own = [nameof(LoadMeasurement.Forecast)];

    [Theory]
    [InlineData(typeof(MeasureRequest))]
    [InlineData(typeof(LoadMeasurement))]
    public void Every_property_arrives(Type type)
    {
        object sent = Filled(type);

        object arrived = type == typeof(MeasureRequest) ? Passed((MeasureRequest)sent) : Passed((LoadMeasurement)sent);

        AssertEqual(sent, arrived, type.Name);
    }

    [Fact]
    public void A_property_without_a_value_keeps_its_default()
    {
        var request = new MeasureRequest(new LoadRequest { Path = null, Strategy = Strategy.Stream });

        MeasureRequest arrived = Passed(request);

        Assert.Null(arrived.Load.Path);
        Assert.Null(arrived.WarnAbove);
        Assert.Empty(arrived.Load.Include);
        Assert.Equal((1, 1), (arrived.Run, arrived.Load.RankCount));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ready")]
    [InlineData("[]")]
    [InlineData("""{"Strategy":1}""")]
    [InlineData("""{"Strategy":null}""")]
    [InlineData("""{"Run":"two"}""")]
    [InlineData("""{"Run":3000000000}""")]
    [InlineData("""{"StartedAt":"yesterday"}""")]
    public void Text_that_is_not_a_row_is_refused(string text) =>
        Assert.ThrowsAny<JsonException>(() => RecordJson.Read<LoadMeasurement>(text));

    private static T Passed<T>(T record)
        where T : class
    {
        using var line = new MemoryStream();
        RecordJson.Write(line, record);
        string text = Encoding.UTF8.GetString(line.ToArray());
        Assert.DoesNotContain('\n', text);
        return RecordJson.Read<T>(text);
    }

    // Returns a record in which no property has its default.
    private static object Filled(Type type)
    {
        object record = System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type);
        foreach (PropertyInfo property in Settable(type))
        {
            property.SetValue(record, ValueFor(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, property.Name));
        }
        return record;
    }

    private static object ValueFor(Type type, string name) =>
        type == typeof(string) ? $"{name} \u00fc\n\"\ud83d\ude00"
        : type == typeof(bool) ? true
        : type == typeof(int) ? 7
        : type == typeof(long) ? long.MaxValue - name.Length
        : type == typeof(TimeSpan) ? TimeSpan.FromTicks(12_345_678)
        : type == typeof(DateTimeOffset) ? new DateTimeOffset(2026, 11, 30, 5, 6, 7, 80, TimeSpan.FromHours(-3))
        : type == typeof(IReadOnlyList<string>) ? new[] { "a", "", name }
        : type.IsEnum ? Enum.GetValues(type).GetValue(1)!
        : Filled(type);

    private static IEnumerable<PropertyInfo> Settable(Type type) =>
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(property => property.CanWrite && !Own.Contains(property.Name));

    private static void AssertEqual(object sent, object? arrived, string name)
    {
        if (sent is IEnumerable and not string)
        {
            Assert.Equal((IEnumerable<string>)sent, (IEnumerable<string>?)arrived);
        }
        else if (sent.GetType().Assembly == typeof(Checkpoint).Assembly && !sent.GetType().IsEnum)
        {
            Assert.NotNull(arrived);
            foreach (PropertyInfo property in Settable(sent.GetType()))
            {
                AssertEqual(property.GetValue(sent)!, property.GetValue(arrived), $"{name}.{property.Name}");
            }
        }
        else
        {
            Assert.True(sent.Equals(arrived), $"{name} was {sent} and is {arrived}");
        }
    }
}
