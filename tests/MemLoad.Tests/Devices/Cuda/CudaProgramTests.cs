using System.Diagnostics;
using System.Text.Json;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Devices.Cuda;

/// <summary>The whole program with a card. The parent and the children find the driver in the same way as NVIDIA's driver.</summary>
public sealed class CudaProgramTests
{
    private const string Tiny = "tiny/fp32.pth";

    [NeedsFact(typeof(PlayedLibrary))]
    public void Every_strategy_is_measured_on_the_card_which_is_the_default_device()
    {
        ProgramRun run = Run("", [], "measure", Fixtures.PathOf(Tiny), "--format", "json");

        Assert.Equal(0, run.ExitCode);
        JsonElement[] rows = [.. JsonDocument.Parse(run.Output).RootElement.EnumerateArray()];
        Assert.Equal(Strategies.All.Select(strategy => strategy.ToString()), rows.Select(row => row.GetProperty("Strategy").GetString()));
        Assert.All(rows, row =>
        {
            Assert.Equal("cuda:0", row.GetProperty("Device").GetString());
            Assert.Equal("Loaded", row.GetProperty("Outcome").GetString());
            Assert.Equal("as forecast", row.GetProperty("Verdict").GetString());
            Assert.Equal(0, row.GetProperty("DeviceErrorPermille").GetInt64());
            Assert.Equal(row.GetProperty("PeakDeviceReservedBytes").GetInt64(), row.GetProperty("PeakCardBytes").GetInt64());
            Assert.Equal("Played card", row.GetProperty("DeviceName").GetString());
            Assert.Equal("GPU-00000000-0000-0000-0000-000000000000", row.GetProperty("DeviceUuid").GetString());
            Assert.Equal("570.86.15", row.GetProperty("DriverVersion").GetString());
            Assert.Equal(WeightsDigest.Of(Checkpoint.Open(Fixtures.PathOf(Tiny))), row.GetProperty("WeightsDigest").GetString());
        });
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void A_hidden_card_is_not_the_default_and_the_error_names_the_variable_that_hides_it()
    {
        (string, string)[] hidden = [("CUDA_VISIBLE_DEVICES", "-1")];

        ProgramRun runtime = Run("", hidden, "runtime", "--format", "json");
        ProgramRun plan = Run("", hidden, "plan", Fixtures.PathOf(Tiny), "--device", "cuda:0");
        ProgramRun other = Run("", hidden, "plan", Fixtures.PathOf(Tiny), "--format", "json");

        Assert.Contains("the CUDA driver offers no card; CUDA_VISIBLE_DEVICES is '-1'", runtime.Output, StringComparison.Ordinal);
        Assert.NotEqual(0, plan.ExitCode);
        Assert.StartsWith("memload: error ML7004: ", plan.Error, StringComparison.Ordinal);
        Assert.Contains("\"Device\": \"sim\"", other.Output, StringComparison.Ordinal);
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void A_command_that_names_another_device_or_none_at_all_does_not_start_the_driver()
    {
        const string endsTheProcess = "no such option=1"; // when the played driver is called

        Assert.NotEqual(0, Run(endsTheProcess, [], "runtime").ExitCode);
        Assert.Equal(0, Run(endsTheProcess, [], "inspect", Fixtures.PathOf(Tiny)).ExitCode);
        Assert.Equal(0, Run(endsTheProcess, [], "plan", Fixtures.PathOf(Tiny), "--device", "cpu").ExitCode);
        Assert.Equal(0, Run(endsTheProcess, [], "measure", Fixtures.PathOf(Tiny), "--device", "sim", "--strategy", "Stream").ExitCode);
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void A_card_by_another_number_is_the_same_card_by_its_id()
    {
        ProgramRun run = Run(
            "cards=3", [("CUDA_VISIBLE_DEVICES", "2,0")], "measure", Fixtures.PathOf(Tiny), "--strategy", "Stream", "--format", "json");

        JsonElement row = JsonDocument.Parse(run.Output).RootElement[0];
        Assert.Equal("cuda:0", row.GetProperty("Device").GetString());
        Assert.Equal("GPU-02020202-0202-0202-0202-020202020202", row.GetProperty("DeviceUuid").GetString());
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void Ranks_load_at_the_same_time_to_one_card_each()
    {
        ProgramRun run = Run(
            "cards=2",
            [],
            "measure",
            Fixtures.PathOf(Tiny),
            "--strategy",
            "Stream,Baseline",
            "--device",
            "cuda:0,cuda:1",
            "--rank-count",
            "2",
            "--format",
            "json");

        Assert.Equal(0, run.ExitCode);
        JsonElement[] rows = [.. JsonDocument.Parse(run.Output).RootElement.EnumerateArray()];
        Assert.Equal(
            ["0 cuda:0", "1 cuda:1", "0 cuda:0", "1 cuda:1"],
            rows.Select(row => $"{row.GetProperty("Rank")} {row.GetProperty("Device")}"));
        Assert.Equal(2, rows.Select(row => row.GetProperty("DeviceUuid").GetString()).Distinct().Count());
        Assert.All(rows, row => Assert.Equal("as forecast", row.GetProperty("Verdict").GetString()));
        Assert.Equal(
            rows.Take(2).Sum(row => row.GetProperty("PeakHostBytes").GetInt64()), rows[1].GetProperty("RanksPeakHostBytes").GetInt64());
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void A_card_that_fails_in_the_middle_is_a_row_with_its_rule()
    {
        ProgramRun run = Run("failfrom=20", [], "measure", Fixtures.PathOf(Tiny), "--strategy", "Sequential", "--format", "json");

        JsonElement row = JsonDocument.Parse(run.Output).RootElement[0];
        Assert.Equal("Failed", row.GetProperty("Outcome").GetString());
        Assert.StartsWith("ML7008: the CUDA driver could not ", row.GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void A_ring_that_is_not_pinned_is_a_note_in_the_row()
    {
        ProgramRun run = Run("pins=0;process=0", [], "measure", Fixtures.PathOf(Tiny), "--strategy", "Stream", "--format", "json");

        JsonElement row = JsonDocument.Parse(run.Output).RootElement[0];
        Assert.Equal("Loaded", row.GetProperty("Outcome").GetString());
        Assert.StartsWith("the staging ring is not pinned", row.GetProperty("Note").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, row.GetProperty("DriverDeviceBytes").ValueKind);
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void One_memory_for_host_and_card_is_one_limit()
    {
        string[] command = ["plan", "--size", "gpt2-small", "--strategy", "Baseline", "--host-memory-limit", "1000MB", "--format", "json"];

        ProgramRun two = Run("", [], command);
        ProgramRun one = Run("integrated=1", [], command);

        Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(two.Output).RootElement[0].GetProperty("Message").ValueKind);
        Assert.Contains(
            "share (at most ",
            JsonDocument.Parse(one.Output).RootElement[0].GetProperty("Message").GetString(),
            StringComparison.Ordinal);
    }

    [NeedsFact(typeof(PlayedLibrary))]
    public void The_check_of_a_card_runs_to_its_end()
    {
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo("sh", [Path.Combine(Repository.Root, "bench", "Cuda-Check.sh"), folder["check.md"]]);
        start.Environment["MEMLOAD"] = $"dotnet {Path.Combine(AppContext.BaseDirectory, "memload.dll")}";
        start.Environment["SIZES"] = "tiny";
        start.Environment["LOADS"] = "3";
        start.Environment["PYTHON"] = "false";
        start.Environment["LD_LIBRARY_PATH"] = PlayedLibrary.Folder;
        var check = EndedProcess.Run(start);

        Assert.Contains("Unexpected results: 0", check.Output, StringComparison.Ordinal);
        Assert.Equal(0, check.ExitCode);
        Assert.Contains("- rows: as expected ( 18 Loaded)", File.ReadAllText(folder["check.md"]), StringComparison.Ordinal);
        Assert.Contains("PyTorch was not compared", check.Output, StringComparison.Ordinal);
    }

    private static ProgramRun Run(string options, (string, string)[] settings, params string[] arguments) =>
        ProgramRun.Of([("LD_LIBRARY_PATH", PlayedLibrary.Folder), ("PLAYED_CUDA", options), .. settings], arguments);
}
