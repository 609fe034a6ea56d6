using System.Text;
using System.Text.Json;
using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

/// <summary>The output of the whole command if the file changes between two loads.</summary>
public sealed class ChangingMeasureTests
{
    [Theory]
    [InlineData("json")]
    [InlineData("csv")]
    [InlineData("table")]
    public void Loads_that_differ_are_ML8002_on_standard_error_and_the_rows_can_be_read(string format)
    {
        using var folder = new TemporaryFolder();
        string path = folder.CopyFixture("tiny/fp32.safetensors", "model.safetensors");
        TensorEntry tensor = Checkpoint.Open(path).Tensors[0];
        Extent storage = Checkpoint.Open(path).Storages[tensor.Storage];

        (int code, string output, string error) = Measure(path, format, () =>
        {
            byte[] bytes = File.ReadAllBytes(path);
            bytes[storage.Offset] ^= 1;
            File.WriteAllBytes(path, bytes);
        });

        Assert.Equal(1, code);
        Assert.Contains("memload: error ML8002: the loads of one checkpoint gave 2 different weights", error, StringComparison.Ordinal);
        Assert.DoesNotContain("ML8002", output, StringComparison.Ordinal);
        if (format != "table")
        {
            string[][] rows = Rows(output, format);
            Assert.Equal([nameof(LoadOutcome.Loaded), nameof(LoadOutcome.Loaded)], rows.Select(row => row[0]));
            Assert.NotEqual(rows[0][1], rows[1][1]);
        }
    }

    [Theory]
    [InlineData("json")]
    [InlineData("csv")]
    public void A_folder_that_vanishes_between_two_loads_is_a_failed_row(string format)
    {
        using var folder = new TemporaryFolder();
        string cache = Directory.CreateDirectory(folder["cache"]).FullName;
        string path = Path.Combine(cache, "model.pth");
        File.Copy(Fixtures.PathOf("tiny/fp32.pth"), path);

        (int code, string output, _) = Measure(path, format, () => Directory.Delete(cache, recursive: true));

        Assert.Equal(1, code);
        string[][] rows = Rows(output, format);
        Assert.Equal([nameof(LoadOutcome.Loaded), nameof(LoadOutcome.Failed)], rows.Select(row => row[0]));
        Assert.StartsWith("ML1001: ", rows[1][2], StringComparison.Ordinal);
    }

    [Fact]
    public void The_samples_of_a_load_are_in_their_file_before_the_next_load_begins()
    {
        using var folder = new TemporaryFolder();
        string samples = folder["samples.jsonl"];
        string[] strategies = [];

        (int code, _, _) = Measure(Fixtures.PathOf("tiny/fp32.pth"), "csv",
            () => strategies = [.. TimelineFile.Read(samples).Select(timeline => timeline.Strategy)], "--timeline-path", samples);

        Assert.Equal(0, code);
        Assert.Equal(["Baseline"], strategies);
        Assert.Equal(["Baseline", "Stream"], TimelineFile.Read(samples).Select(timeline => timeline.Strategy));
    }

    private static (int Code, string Output, string Error) Measure(string path, string format, Action beforeSecond, params string[] more)
    {
        using var output = new StringWriter();
        using var error = new Status(beforeSecond);
        var console = CliConsole.ForTerminal(output, error, colour: false);
        int code = CliRunner
            .RunAsync(
                [
                    "measure", "--path", path, "--in-process", "--device", "cpu", "--strategy", "Baseline,Stream", "--format", format,
                    .. more,
                ],
                console,
                CancellationToken.None)
            .GetAwaiter()
            .GetResult();
        return (code, output.ToString(), error.ToString());
    }

    // Returns the outcome, the digest and the message of each row.
    private static string[][] Rows(string output, string format)
    {
        if (format == "json")
        {
            using var json = JsonDocument.Parse(output);
            return [.. json.RootElement.EnumerateArray().Select(row => Columns.Select(name => row.GetProperty(name).ToString()).ToArray())];
        }
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, output);
            return [.. RowFile.Read(path).Select(row => new[] { row.Outcome, row.WeightsDigest ?? "", row.Message ?? "" })];
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static readonly string[] Columns = ["Outcome", "WeightsDigest", "Message"];

    /// <summary>Standard error of a terminal. Its status line shows when the second load is about to begin.</summary>
    private sealed class Status(Action beforeSecond) : StringWriter
    {
        private bool _done;

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(string? value)
        {
            base.Write(value);
            if (!_done && value?.Contains("(2/2)", StringComparison.Ordinal) == true)
            {
                _done = true;
                beforeSecond();
            }
        }
    }
}
