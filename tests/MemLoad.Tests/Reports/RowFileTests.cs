using System.Text.Json;
using MemLoad.Cli;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Reports;

public sealed class RowFileTests
{
    private static readonly LoadMeasurement[] Written =
    [
        Rows.Loaded("Stream"),
        Rows.Failed("Meta", LoadOutcome.Failed, "ML1234: a \"quoted\", <b>bold</b>\r\nmessage; with ümläuts") with
        {
            Path = "/tmp/a,b \"c\".pth",
        },
        Rows.Loaded("Mmap", run: 3) with
        {
            BytesPerSecond = null,
            HostBudgetBytes = long.MaxValue,
        },
    ];

    [Fact]
    public void The_output_of_the_command_line_is_read_back()
    {
        using var folder = new TemporaryFolder();
        using var csv = new StringWriter();
        using var json = new StringWriter();
        CsvWriter.Write(Written, JsonOutput.Types.LoadMeasurement, csv);
        JsonOutput.Write(Written, JsonOutput.Types.LoadMeasurementArray, json);

        Assert.Equal(Written, RowFile.Read(folder.Write("rows.txt", csv.ToString())));
        Assert.Equal(Written, RowFile.Read(folder.Write("rows.json", json.ToString())));
        Assert.Equal(Written, RowFile.Read(folder.Write("marked.csv", "\uFEFF" + csv)));
    }

    // Export-Csv writes numbers with the minus sign of the culture: Arabic, Hebrew, Persian, Swedish.
    [Theory]
    [InlineData("\u061C-")]
    [InlineData("\u200E-")]
    [InlineData("\u200E\u2212")]
    [InlineData("\u2212")]
    public void A_minus_sign_of_any_culture_is_read(string sign)
    {
        using var folder = new TemporaryFolder();
        using var csv = new StringWriter();
        LoadMeasurement row = Rows.Loaded("Stream") with { HostErrorPermille = -840 };
        CsvWriter.Write([row], JsonOutput.Types.LoadMeasurement, csv);

        Assert.Equal(row, Assert.Single(RowFile.Read(folder.Write("rows.csv", csv.ToString().Replace("-840", $"{sign}840",
            StringComparison.Ordinal)))));
    }

    [Fact]
    public void The_output_of_PowerShell_is_read_with_its_quotes_and_other_columns()
    {
        using var folder = new TemporaryFolder();
        string csv =
            "\"PSComputerName\",\"Strategy\",\"Device\",\"Outcome\",\"Run\",\"HostName\",\"StartedAt\",\"ModuleVersion\","
                + "\"PeakHostBytes\"\n"
            + "\"n1\",\"Meta\",\"sim\",\"Loaded\",\"1\",\"n1\",\"2026-01-02T03:04:05.000+00:00\",\"0.1.0\",\"5\"\n\n"
            + "\"n2\",\"Meta\",\"sim\",\"Refused\",\"2\",\"n2\",\"2026-01-02T03:04:05.000+00:00\",\"0.1.0\",\n";
        string json =
            "{\"Strategy\":\"Meta\",\"Device\":\"sim\",\"Outcome\":\"Loaded\",\"Run\":1,\"HostName\":\"n1\","
                + "\"StartedAt\":\"2026-01-02T03:04:05Z\",\"ModuleVersion\":\"0\",\"More\":{\"a\":[1]},\"PeakHostBytes\":\"7\"}";

        IReadOnlyList<LoadMeasurement> rows = RowFile.Read(folder.Write("rows.csv", csv));

        Assert.Equal(["n1", "n2"], rows.Select(row => row.HostName));
        Assert.Equal([5L, null], rows.Select(row => row.PeakHostBytes));
        Assert.Equal(7, RowFile.Read(folder.Write("one.json", json)).Single().PeakHostBytes);
    }

    [Theory]
    [InlineData("2026-01-02T03:04:05.678+00:00")]
    [InlineData("2026-01-02T03:04:05.6780000Z")]
    [InlineData("2026-01-02T05:04:05.678+02:00")]
    [InlineData("01/02/2026 03:04:05.678 +00:00")]
    public void Times_are_read_as_other_programs_write_them(string text)
    {
        using var folder = new TemporaryFolder();
        string csv = $"Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion\nMeta,sim,Loaded,1,h,{text},0\n";

        Assert.Equal(
            new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero), RowFile.Read(folder.Write("rows.csv", csv)).Single().StartedAt);
    }

    [Fact]
    public void Verdicts_of_rows_are_computed_again_and_not_read_from_the_file()
    {
        using var folder = new TemporaryFolder();
        string json =
            "{\"Strategy\":\"Meta\",\"Device\":\"sim\",\"Outcome\":\"Loaded\",\"Run\":1,\"HostName\":\"n1\","
                + "\"StartedAt\":\"2026-01-02T03:04:05Z\",\"ModuleVersion\":\"0\","
            + "\"Verdict\":\"any\",\"AsForecast\":true,\"PeakDeviceBytes\":3000000,\"ForecastDeviceBytes\":1}";
        string csv =
            "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion,Verdict,AsForecast,PeakDeviceBytes,ForecastDeviceBytes\nMeta,"
                + "sim,Loaded,1,n1,2026-01-02T03:04:05Z,0,any,True,3000000,1\n";

        foreach (string path in new[]
            {
                folder.Write("rows.json", System.Text.Encoding.UTF8.GetBytes(json)),
                folder.Write("rows.csv", System.Text.Encoding.UTF8.GetBytes(csv)),
            })
        {
            LoadMeasurement row = RowFile.Read(path).Single();
            Assert.Equal((false, "device +2.9 MiB"), (row.AsForecast, row.Verdict));
        }
    }

    [Theory]
    [InlineData("#TYPE MemLoad.LoadMeasurement\r\n")]
    [InlineData("#TYPE \"MemLoad.LoadMeasurement\"\n")]
    public void The_line_with_the_type_that_Export_Csv_can_write_is_not_the_header(string line)
    {
        using var folder = new TemporaryFolder();
        const string rows = "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion\nMeta,sim,Loaded,1,h,2026-01-02T03:04:05Z,0\n";

        Assert.Equal(RowFile.Read(folder.Write("plain", rows)), RowFile.Read(folder.Write("typed", line + rows)));
        Assert.Contains(
            "line 3: there are 1 fields",
            Assert.Throws<MemLoadException>(() => RowFile.Read(folder.Write("broken", line + "Strategy,Device\na\n"))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "ML1003", "")]
    [InlineData("nonsense", "ML8101", "names no column")]
    [InlineData("Strategy;Device;Outcome\r\nMeta;sim;Loaded\r\n", "ML8101", "fields are separated by ';'")]
    [InlineData("\"Strategy\";\"Device\"\n\"Meta\";\"sim\"\n", "ML8101", "fields are separated by ';'")]
    [InlineData("\"Strategy\"\t\"Device\"\n\"Meta\"\t\"sim\"\n", "ML8101", "fields are separated by a tab")]
    [InlineData("[1]", "ML8101", "row 1 is not an object")]
    [InlineData("[{]", "ML8101", "not JSON")]
    [InlineData("[]", "ML8104", "no rows")]
    [InlineData("[{\"Strategy\":\"Meta\"}]", "ML8102", "Device, Outcome, Run, HostName, StartedAt, ModuleVersion")]
    [InlineData("Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion\n", "ML8104", "no rows")]
    [InlineData(
        "Strategy,Device,Outcome,Run,HostName,StartedAt\nMeta,sim,Loaded,1,h,2026-01-02T03:04:05Z\n",
        "ML8102",
        "line 2 has no ModuleVersion")]
    [InlineData("Strategy,Strategy\na,b\n", "ML8101", "twice")]
    [InlineData("Strategy,Device\na\n", "ML8101", "line 2: there are 1 fields")]
    [InlineData("Strategy,Device\n\"a,b\n", "ML8101", "line 2: the quote that opens here")]
    [InlineData("Strategy,Device\n\"a\"b,c\n", "ML8101", "line 2: a quote closes")]
    [InlineData(
        "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion\nMeta,sim,Loaded,1.0,h,2026-01-02T03:04:05Z,0\n",
        "ML8103",
        "Run is '1.0'")]
    [InlineData(
        "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion\nMeta,sim,Loaded,99999999999,h,2026-01-02T03:04:05Z,0\n",
        "ML8103",
        "Run")]
    [InlineData(
        "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion,PeakHostBytes\nMeta,sim,Loaded,1,h,2026-01-02T03:04:05Z,0,\"1,5\"\n",
        "ML8103",
        "PeakHostBytes is '1,5'")]
    [InlineData(
        "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion\nMeta,sim,Loaded,1,h,29.11.2026 04:05:06,0\n",
        "ML8103",
        "StartedAt is '29.11.2026 04:05:06' and must be a time in ISO 8601")]
    public void Text_that_is_not_a_row_is_refused_with_its_place(string content, string rule, string finding)
    {
        using var folder = new TemporaryFolder();

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => RowFile.Read(folder.Write("rows", content)));

        Assert.Equal(rule, refusal.Rule.Id);
        Assert.Contains(finding, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_instead_of_a_file_is_named()
    {
        using var folder = new TemporaryFolder();

        foreach (Action read in new Action[]
            {
                () => RowFile.Read(folder.Path), () => TimelineFile.Read(folder.Path), () => ManifestReader.Read(folder.Path, default),
            })
        {
            MemLoadException refusal = Assert.Throws<MemLoadException>(read);
            Assert.Equal(("ML1002", "the path is a folder and not a file"), (refusal.Rule.Id, refusal.Finding));
        }
    }

    [Fact]
    public void Every_column_of_a_row_survives_as_text()
    {
        LoadMeasurement full = Written[0] with
        {
            Note = "n",
            Message = "m",
            DType = "float16",
            ChosenStrategy = "Meta",
            ManifestDigest = "d",
            RingBytes = 1,
            ForecastMicroseconds = 2,
            DeviceBudgetBytes = 3,
            HostLimit = "l",
            DriverDeviceBytes = 4,
        };
        JsonElement json = JsonSerializer.SerializeToElement(full);

        Assert.Equal(full, RowValues.ToRow(name => json.GetProperty(name).ToString(), "here"));
    }
}
