using System.Text.Json;

namespace MemLoad.Tests.Cli;

public sealed class InspectCommandTests
{
    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Inspect_prints_what_PyTorch_loads(string name)
    {
        CliRun run = CliRun.Of("inspect", "--path", Fixtures.PathOf(name), "--hash", "--format", "json");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Empty(run.Error);
        JsonElement result = JsonDocument.Parse(run.Output).RootElement;
        Assert.Equal(
            Fixtures
                .Expected(name)
                .GetProperty("tensors")
                .EnumerateArray()
                .Select(tensor => Line(tensor, "name", "dtype", "shape", "stride", "nbytes", "sha256"))
                .Order(StringComparer.Ordinal),
            result
                .GetProperty("Tensors")
                .EnumerateArray()
                .Select(tensor => Line(tensor, "Name", "DType", "Shape", "Strides", "Bytes", "Sha256"))
                .Order(StringComparer.Ordinal));
        string path = Fixtures.PathOf(name);
        string[] files = Directory.Exists(path) ? Directory.GetFiles(path, "*.distcp") : [path];
        Assert.Equal(files.Sum(file => new FileInfo(file).Length), result.GetProperty("FileBytes").GetInt64());
        Assert.True(Path.IsPathFullyQualified(result.GetProperty("Path").GetString()!));
        Assert.All(result.GetProperty("Tensors").EnumerateArray(), tensor =>
            Assert.Contains(tensor.GetProperty("File").GetString(), files));
    }

    [Fact]
    public void The_bytes_of_a_tensor_are_at_the_position_that_inspect_prints()
    {
        string path = Fixtures.PathOf("tiny/fp32.pth");
        JsonElement tensor = JsonDocument
            .Parse(CliRun.Of("inspect", "--path", path, "--hash", "--format", "json").Output)
            .RootElement.GetProperty("Tensors")[0];

        byte[] bytes = File.ReadAllBytes(path)
            .AsSpan((int)tensor.GetProperty("Offset").GetInt64(), (int)tensor.GetProperty("Bytes").GetInt64())
            .ToArray();

        Assert.Equal(
            tensor.GetProperty("Sha256").GetString(), Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
    }

    [Fact]
    public void Every_command_with_the_option_leaves_out_objects()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "cases/03-argparse-namespace/esm2.pt");
        using var folder = new TemporaryFolder();
        string manifest = folder["m.manifest.json"];

        CliRun refused = CliRun.Of("inspect", "--path", path);
        Assert.Contains("ML3003", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--allow-opaque", refused.Error, StringComparison.Ordinal);
        CliRun shown = CliRun.Of("inspect", "--path", path, "--allow-opaque");
        Assert.Contains("model.conv.weight", shown.Output, StringComparison.Ordinal);
        Assert.Contains("objects are left out: 1 ('args').", shown.Output, StringComparison.Ordinal);
        JsonElement verdict = Row("test", "--path", path, "--allow-opaque", "--format", "json");
        Assert.Equal((true, 1), (verdict.GetProperty("IsSound").GetBoolean(), verdict.GetProperty("OpaqueObjects").GetInt32()));
        Assert.Equal(0, CliRun.Of("manifest", "--path", path, "--allow-opaque", "--out", manifest).ExitCode);
        Assert.Equal(0, CliRun.Of("test", "--path", path, "--allow-opaque", "--manifest", manifest).ExitCode);
        Assert.Equal(
            1,
            Row("plan", "--path", path, "--allow-opaque", "--strategy", "Stream", "--format", "json")
                .GetProperty("OpaqueObjects")
                .GetInt32());
        string converted = folder["m.safetensors"];
        Assert.Equal(0, CliRun.Of("convert", "--path", path, "--allow-opaque", "--out", converted).ExitCode);
        Assert.Equal(0, CliRun.Of("test", "--path", converted, "--manifest", manifest).ExitCode);
        JsonElement row = Row("measure", "--path", path, "--allow-opaque", "--strategy", "Stream", "--in-process", "--format", "json");
        Assert.Equal(("Loaded", 1), (row.GetProperty("Outcome").GetString(), row.GetProperty("OpaqueObjects").GetInt32()));

        static JsonElement Row(params string[] arguments)
        {
            CliRun run = CliRun.Of(arguments);
            Assert.True(run.ExitCode == 0, run.Error);
            JsonElement all = JsonDocument.Parse(run.Output).RootElement;
            return all.ValueKind == JsonValueKind.Array ? all[0] : all;
        }
    }

    [Fact]
    public void Without_hash_the_output_has_no_hash()
    {
        CliRun run = CliRun.Of("inspect", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--format", "json");

        Assert.DoesNotContain("Sha256", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_and_patterns_narrow_the_list()
    {
        CliRun run = CliRun.Of(
            "inspect",
            "--path",
            Fixtures.PathOf("containers/model_and_optimizer.pth"),
            "--key",
            "model_state_dict",
            "--include",
            "*.weight",
            "--exclude",
            "0.*",
            "--format",
            "json");

        Assert.All(
            JsonDocument
                .Parse(run.Output)
                .RootElement.GetProperty("Tensors")
                .EnumerateArray()
                .Select(tensor => tensor.GetProperty("Name").GetString()!),
            name =>
                Assert.True(name.EndsWith(".weight", StringComparison.Ordinal) && !name.StartsWith("0.", StringComparison.Ordinal), name));
    }

    [Fact]
    public void The_table_names_every_tensor_and_its_shape()
    {
        CliRun run = CliRun.Of("inspect", "--path", Fixtures.PathOf("tiny/fp32.pth"));

        Assert.All(
            Fixtures.Expected("tiny/fp32.pth").GetProperty("tensors").EnumerateArray(),
            tensor => Assert.Matches(
                $@"(?m)^ {System.Text.RegularExpressions.Regex.Escape(tensor.GetProperty("name").GetString()!)} +float32 +\({string.Join(", ", tensor.GetProperty("shape").EnumerateArray())}\) ",
                run.Output));
    }

    // Each output ends with one line, because the compared texts must be equal.
    private static string Line(JsonElement tensor, params string[] properties) =>
        string.Join(" | ", properties.Select(property => Flat(tensor.GetProperty(property))));

    private static string Flat(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? string.Join(',', value.EnumerateArray()) : value.ToString();

    [Fact]
    public void A_path_can_follow_a_pattern()
    {
        var last = CliRun.Of("inspect", "--include", "*.weight", Fixtures.PathOf("tiny/fp32.pth"), "--format", "csv");
        var first = CliRun.Of("inspect", Fixtures.PathOf("tiny/fp32.pth"), "--include", "*.weight", "--format", "csv");

        Assert.Equal(0, last.ExitCode);
        Assert.Equal(first.Output, last.Output);
    }
}
