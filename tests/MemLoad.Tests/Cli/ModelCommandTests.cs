using System.Text.Json;

namespace MemLoad.Tests.Cli;

public sealed class ModelCommandTests : IDisposable
{
    private static readonly string[] TinyModel = ["--vocab", "31", "--context", "8", "--emb", "6", "--layers", "2", "--heads", "2"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tiny.pth", "TorchZip")]
    [InlineData("tiny.safetensors", "Safetensors")]
    [InlineData("tiny", "PerTensor")]
    [InlineData("tiny.d/", "PerTensor")]
    public void New_writes_the_format_of_the_name_and_invoke_runs_the_model(string name, string format)
    {
        string path = _folder[name];

        CliRun made = CliRun.Of(["new", .. TinyModel, "--out", path, "--format", "json"]);
        CliRun invoked = CliRun.Of("invoke", "--path", path, "--heads", "2", "--token-ids", "1,2,3", "--format", "json");

        Assert.True(made.ExitCode == 0, made.Error);
        Assert.Equal(format, JsonDocument.Parse(made.Output).RootElement.GetProperty("Format").GetString());
        Assert.True(invoked.ExitCode == 0, invoked.Error);
        Assert.Equal(
            [1L, 3L, 31L],
            JsonDocument.Parse(invoked.Output).RootElement.GetProperty("Shape").EnumerateArray().Select(size => size.GetInt64()));
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_and_another_seed_gives_other_weights()
    {
        string[] digests = [.. new[] { "7", "7", "8" }.Select((seed, i) =>
        {
            string path = _folder[$"{i}.pth"];
            Assert.Equal(0, CliRun.Of(["new", .. TinyModel, "--seed", seed, "--out", path]).ExitCode);
            return string.Join(' ', Tensors(path).Select(tensor => tensor.GetProperty("Sha256").GetString()));
        })];

        Assert.Equal(digests[0], digests[1]);
        Assert.NotEqual(digests[0], digests[2]);
    }

    [Theory]
    [InlineData("tiny/fp32.pth", "pth", "tiny.x")]
    [InlineData("tiny/fp32.pth", "safetensors", "tiny.x")]
    [InlineData("dtypes/all.safetensors", "pth", "all.x")]
    [InlineData("layout/views_and_shared.pth", "folder", "views")]
    public void Convert_keeps_names_types_shapes_and_elements(string source, string to, string name)
    {
        string path = _folder[name];

        CliRun run = CliRun.Of("convert", "--path", Fixtures.PathOf(source), "--out", path, "--to", to);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(
            Tensors(Fixtures.PathOf(source)).Select(Essence).Order(StringComparer.Ordinal),
            Tensors(path).Select(Essence).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Convert_lists_the_entries_that_it_leaves_out()
    {
        CliRun run = CliRun.Of("convert", "--path", Fixtures.PathOf("containers/mixed.pth"), "--out", _folder["x.safetensors"]);

        Assert.Equal("memload: left out 13 entries that are not tensors: epoch, lr, name, …", Assert.Single(run.ErrorLines).TrimEnd('\r'));
        Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void An_existing_file_is_replaced_only_with_force()
    {
        string path = _folder["x.pth"];
        string[] convert = ["convert", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--out", path];
        File.WriteAllText(path, "precious");

        CliRun refused = CliRun.Of(convert);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(path, Assert.Single(refused.ErrorLines), StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(path));
        Assert.Equal(0, CliRun.Of([.. convert, "--force"]).ExitCode);
        Assert.Equal(39, Tensors(path).Length);
    }

    [Theory]
    [InlineData("tiny/fp32.pth")]
    [InlineData("tiny/legacy.pth")]
    [InlineData("tiny/fp32.safetensors")]
    public void Invoke_agrees_with_PyTorch_through_every_strategy(string name)
    {
        float[] expected = ReadLogits(
            JsonDocument.Parse(File.ReadAllText(Fixtures.PathOf("tiny/logits.json"))).RootElement.GetProperty("logits"));
        foreach (string strategy in Enum.GetNames<Strategy>())
        {
            CliRun run = CliRun.Of(
                "invoke",
                "--path",
                Fixtures.PathOf(name),
                "--heads",
                "3",
                "--token-ids",
                "1,2,3",
                "--strategy",
                strategy,
                "--format",
                "json");

            Assert.True(run.ExitCode == 0, run.Error);
            float[] logits = ReadLogits(JsonDocument.Parse(run.Output).RootElement.GetProperty("Logits"));
            Assert.Equal(expected.Length, logits.Length);
            Assert.All(expected.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    [Fact]
    public void Invoke_casts_the_weights()
    {
        string[] logits =
        [
            .. new[] { "float32", "bfloat16" }.Select(dtype =>
                CliRun
                    .Of(
                        "invoke",
                        "--path",
                        Fixtures.PathOf("tiny/fp32.pth"),
                        "--heads",
                        "3",
                        "--token-ids",
                        "1,2,3",
                        "--dtype",
                        dtype,
                        "--strategy",
                        "Stream",
                        "--format",
                        "json")
                    .Output),
        ];
        string plain = CliRun
            .Of(
                "invoke",
                "--path",
                Fixtures.PathOf("tiny/fp32.pth"),
                "--heads",
                "3",
                "--token-ids",
                "1,2,3",
                "--strategy",
                "Stream",
                "--format",
                "json")
            .Output;

        Assert.Equal(plain, logits[0]);
        Assert.NotEqual(plain, logits[1]);
    }

    [Fact]
    public void The_table_of_invoke_lists_five_tokens_likeliest_first()
    {
        CliRun run = CliRun.Of("invoke", "--path", Fixtures.PathOf("tiny/fp32.pth"), "--heads", "3", "--token-ids", "1,2,3");

        double[] logits =
        [
            .. run
                .Output.Split('\n')
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(words => words is [_, _, _, "%"] or [_, _, _, "%\r"])
                .Select(words => double.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture)),
        ];
        Assert.Equal(5, logits.Length);
        Assert.Equal(logits.OrderDescending(), logits);
    }

    [Fact]
    public void Runtime_lists_the_devices_with_reasons()
    {
        JsonElement runtime = JsonDocument.Parse(CliRun.Of("runtime", "--format", "json").Output).RootElement;

        Assert.Contains(runtime.GetProperty("Devices").EnumerateArray(), device =>
            device.GetProperty("Name").GetString() == "sim" && device.GetProperty("Available").GetBoolean());
        Assert.All(runtime.GetProperty("Devices").EnumerateArray(), device => Assert.NotEmpty(device.GetProperty("Details").GetString()!));
        Assert.True(Path.IsPathFullyQualified(runtime.GetProperty("CacheFolder").GetString()!));
    }

    private static float[] ReadLogits(JsonElement json) => json.ValueKind == JsonValueKind.Array
        ? [.. json.EnumerateArray().SelectMany(ReadLogits)]
        : [json.GetSingle()];

    private static JsonElement[] Tensors(string path)
    {
        CliRun run = CliRun.Of("inspect", "--path", path, "--hash", "--format", "json");
        Assert.True(run.ExitCode == 0, run.Error);
        return [.. JsonDocument.Parse(run.Output).RootElement.GetProperty("Tensors").EnumerateArray()];
    }

    private static string Essence(JsonElement tensor) =>
        $"{tensor.GetProperty("Name")} {tensor.GetProperty("DType")} {tensor.GetProperty("Shape")} {tensor.GetProperty("Sha256")}";
}
