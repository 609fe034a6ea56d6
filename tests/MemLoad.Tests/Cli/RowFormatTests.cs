using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FsCheck;
using FsCheck.Fluent;
using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

public sealed class RowFormatTests
{
    public static TheoryData<Type> RowTypes =>
        [
            typeof(LoadMeasurement),
            typeof(LoadForecast),
            typeof(WeightInfo),
            typeof(WeightVerdict),
            typeof(WeightManifestInfo),
            typeof(WriteResult),
            typeof(DeviceStatus),
        ];

    [Theory]
    [MemberData(nameof(RowTypes))]
    public void Columns_are_the_properties_in_the_order_of_the_record(Type row)
    {
        JsonTypeInfo type = JsonOutput.Types.GetTypeInfo(row)!;

        Assert.Equal(row.GetProperties().Select(property => property.Name), type.Properties.Select(property => property.Name));
    }

    [Fact]
    public void Csv_and_json_of_a_row_have_the_same_values_in_any_culture()
    {
        LoadMeasurement row = Rows.Loaded("Meta") with { Path = "/tmp/a \"b\", c\nd.pth", HostErrorPermille = -12345, MajorFaults = null };
        string foreign = Csv([row]) + Json([row]);
        CultureInfo culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        Assert.Equal(Csv([row]) + Json([row]), foreign);
        CultureInfo.CurrentCulture = culture;
        List<string[]> records = ReadCsv(Csv([row]));
        JsonElement json = JsonDocument.Parse(Json([row])).RootElement[0];
        Assert.Equal(2, records.Count);
        Assert.Equal(json.EnumerateObject().Select(property => property.Name), records[0]);
        Assert.Equal(
            json.EnumerateObject().Select(property => property.Value.ValueKind == JsonValueKind.Null ? "" : property.Value.ToString()),
            records[1].Select(CsvCell.Read));
    }

    [Fact]
    public void Any_text_survives_csv() =>
        Prop.ForAll<NonNull<string>, NonNull<string>>(
                (a, b) =>
                {
                    LoadMeasurement[] rows = [Rows.Loaded(a.Get) with { Message = b.Get }, Rows.Loaded(b.Get) with { Message = a.Get }];
                    List<string[]> records = ReadCsv(Csv(rows));
                    int message = Array.IndexOf(records[0], nameof(LoadMeasurement.Message));
                    return records.Count == 3
                        && Read(1, 0) == a.Get
                        && Read(1, message) == b.Get
                        && Read(2, 0) == b.Get
                        && Read(2, message) == a.Get;

                    string Read(int record, int field) => CsvCell.Read(records[record][field]);
                }).QuickCheckThrowOnFailure();

    [Fact]
    public void Json_is_ascii_and_keeps_every_character()
    {
        string text = Json([Rows.Loaded("Meta") with { Path = "/tmp/wörter-名-🙂<&'+\u001b\u2028" }]);

        Assert.True(Ascii.IsValid(text));
        Assert.Equal("/tmp/wörter-名-🙂<&'+\u001b\u2028", JsonDocument.Parse(text).RootElement[0].GetProperty("Path").GetString());
    }

    [Fact]
    public void Outcomes_and_formats_are_words()
    {
        Assert.Contains(
            "\"Outcome\": \"OutOfMemory\"", Json([Rows.Failed("Meta", LoadOutcome.OutOfMemory, "no")]), StringComparison.Ordinal);
        Assert.Contains(",OutOfMemory,", Csv([Rows.Failed("Meta", LoadOutcome.OutOfMemory, "no")]), StringComparison.Ordinal);
    }

    [Fact]
    public void Logits_keep_their_last_digit()
    {
        float[] logits = [0.1f, -1.1754944E-38f, float.MaxValue, 1f / 3, 0f, 1e-45f];

        string text = Rows.Print(console =>
            JsonOutput.Write(new InvokeResult([1, 2, 3], logits), JsonOutput.Types.InvokeResult, console.Out));

        JsonElement json = JsonDocument.Parse(text).RootElement;
        Assert.Equal([1, 2, 3], json.GetProperty("Shape").EnumerateArray().Select(size => size.GetInt64()));
        Assert.Equal(logits, json.GetProperty("Logits").EnumerateArray().Select(logit => logit.GetSingle()));
    }

    [Fact]
    public void Numbers_that_json_lacks_are_written_as_their_names()
    {
        string text = Rows.Print(console => JsonOutput.Write(
            new InspectResult("/x", CheckpointFormat.TorchZip, 1, new Dictionary<string, object?>
            {
                ["a"] = double.PositiveInfinity,
                ["b"] = double.NegativeInfinity,
                ["c"] = double.NaN,
                ["d"] = 1.0,
                ["e"] = System.Numerics.BigInteger.Pow(2, 100),
                ["f"] = null,
                ["g"] = 1e300,
            }, []),
            JsonOutput.Types.InspectResult,
            console.Out));

        JsonElement metadata = JsonDocument.Parse(text).RootElement.GetProperty("Metadata");
        Assert.Equal(
            ["\"inf\"", "\"-inf\"", "\"nan\"", "1.0", "1267650600228229401496703205376", "null", "1E+300"],
            metadata.EnumerateObject().Select(entry => entry.Value.GetRawText()));
    }

    [Fact]
    public void A_name_can_neither_break_a_line_of_a_table_nor_control_the_terminal()
    {
        var row = new WeightInfo
        {
            Name = "evil\n\u001b[2J\u202ename",
            DType = "float32",
            Shape = "1",
            Strides = "1",
            ElementCount = 1,
            Bytes = 4,
            File = "/a.pth",
            Offset = 0,
            Storage = 0,
            Path = "/a.pth",
            Format = "TorchZip",
        };

        string text = Rows.Print(console =>
            InspectView.Write(
                new InspectResult("/a.pth", CheckpointFormat.TorchZip, 4, new Dictionary<string, object?> { ["k\u001b"] = "v\r\n" }, [row]),
                console));

        Assert.DoesNotContain(text, c => char.IsControl(c) && c is not ('\n' or '\r'));
        Assert.Contains("evil\\u000a\\u001b[2J\\u202ename", text, StringComparison.Ordinal);
        Assert.Contains("k\\u001b = v\\u000d\\u000a", text, StringComparison.Ordinal);
    }

    private static string Csv(LoadMeasurement[] rows) =>
        Rows.Print(console => CsvWriter.Write(rows, JsonOutput.Types.LoadMeasurement, console.Out));

    private static string Json(LoadMeasurement[] rows) =>
        Rows.Print(console => JsonOutput.Write(rows, JsonOutput.Types.LoadMeasurementArray, console.Out));

    // Reads CSV strictly according to RFC 4180.
    private static List<string[]> ReadCsv(string text)
    {
        var records = new List<string[]>();
        var record = new List<string>();
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted)
            {
                if (c == '"' && i + 1 < text.Length && text[i + 1] == '"')
                {
                    field.Append('"');
                    i++;
                }
                else if (c == '"')
                {
                    quoted = false;
                }
                else
                {
                    field.Append(c);
                }
            }
            else if (c == '"')
            {
                quoted = true;
            }
            else if (c == ',')
            {
                record.Add(field.ToString());
                field.Clear();
            }
            else if (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n')
            {
                i++;
                record.Add(field.ToString());
                field.Clear();
                records.Add([.. record]);
                record.Clear();
            }
            else
            {
                field.Append(c);
            }
        }
        Assert.False(quoted);
        Assert.Equal(0, record.Count + field.Length);
        return records;
    }
}
