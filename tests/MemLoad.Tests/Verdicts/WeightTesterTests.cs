using System.Diagnostics;
using MemLoad.Tests.Cli;
using MemLoad.Tests.Corpus;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Verdicts;

public sealed class WeightTesterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Files_that_PyTorch_wrote_are_sound_to_the_last_byte(string name)
    {
        WeightVerdict verdict = WeightTester.Test(Fixtures.PathOf(name), deep: true);

        Assert.True(verdict.IsSound, $"{verdict.RuleId}: {verdict.Finding}");
        Assert.Equal(verdict.Format is "TorchZip" or "Distributed", verdict.VerifiedRecordCount > 0);
    }

    [Fact]
    public void A_flipped_bit_in_an_archive_is_found_by_a_deep_test_only()
    {
        byte[] archive = ZipForge.Torch(zip => zip["data/0"].Crc = 12345);
        string path = _folder.Write("x.pth", archive);

        Assert.True(WeightTester.Test(path).IsSound);
        WeightVerdict verdict = WeightTester.Test(path, deep: true);

        Assert.Equal(("Unsound", "ML2016"), (verdict.Verdict, verdict.RuleId));
        Assert.Contains("archive/data/0", verdict.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Unusual_values_that_formats_allow_are_a_warning_and_named()
    {
        float[] odd = [float.NaN, 1, float.PositiveInfinity, float.NegativeInfinity, -0f];
        var source = new MemorySource();
        Add(source, "odd", DType.Float32, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(odd));
        Add(source, "half", DType.Float16, [0x01, 0x7c, 0x00, 0x7c]);
        Add(source, "constant", DType.Int16, [1, 2, 1, 2, 1, 2]);
        Add(source, "counting", DType.UInt8, [1, 2, 3]);
        Add(source, "zero", DType.Float32, new byte[20000]);
        string path = _folder["x.safetensors"];
        CheckpointWriter.Write(source, path, CheckpointFormat.Safetensors);

        WeightVerdict verdict = WeightTester.Test(path, deep: true);

        Assert.True(verdict.IsSound);
        Assert.Equal((2, 3, 1, 1), (verdict.NanCount, verdict.InfCount, verdict.ZeroTensorCount, verdict.ConstantTensorCount));
        Assert.All(["'odd'", "'half'", "'constant'", "'zero'"], name => Assert.Contains(name, verdict.Warning, StringComparison.Ordinal));
        Assert.DoesNotContain("'counting'", verdict.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Zeros_past_a_truncation_are_seen()
    {
        byte[] file = CheckpointsOf(40000);
        Array.Clear(file, 10000, file.Length - 10000);
        string path = _folder.Write("x.safetensors", file);

        WeightVerdict verdict = WeightTester.Test(path, deep: true);

        Assert.True(verdict.IsSound);
        Assert.Equal(file.Length - 12288, verdict.ZeroTailBytes);
        Assert.Contains("truncation", verdict.Warning, StringComparison.Ordinal);
        Assert.Null(WeightTester.Test(path).ZeroTailBytes);
    }

    [Fact]
    public void A_missing_path_has_no_verdict() =>
        Assert.Equal("ML1001", Assert.Throws<MemLoadException>(() => WeightTester.Test(_folder["missing.pth"])).Rule.Id);

    [SkippableFact]
    public void A_pipe_or_a_device_is_refused_by_name_and_never_waited_for()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux checks the kind of file before it is opened");
        Assert.Equal(0, EndedProcess.Run("mkfifo", _folder["pipe.pth"]).ExitCode);
        var clock = Stopwatch.StartNew();

        WeightVerdict pipe = WeightTester.Test(_folder["pipe.pth"]);
        WeightVerdict device = WeightTester.Test("/dev/zero");

        Assert.Equal(("ML1010", "ML1010"), (pipe.RuleId, device.RuleId));
        Assert.Contains("a named pipe", pipe.Finding, StringComparison.Ordinal);
        Assert.Contains("a character device", device.Finding, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void The_command_ends_with_1_if_any_is_unsound_and_gives_a_row_each()
    {
        string sound = Fixtures.PathOf("tiny/fp32.pth");
        string unsound = Fixtures.PathOf("tiny/whole_module.pth");

        Assert.Equal(0, CliRun.Of("test", "--path", sound).ExitCode);
        CliRun both = CliRun.Of("test", "--path", sound, "--path", unsound, "--deep", "--format", "csv");

        Assert.Equal(1, both.ExitCode);
        string[] lines = both.Output.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("Path,Verdict,IsSound,RuleId,File,Offset,Finding,Remedy,", lines[0], StringComparison.Ordinal);
        Assert.Contains(",Sound,", lines[1], StringComparison.Ordinal);
        Assert.Contains(",Unsound,False,ML3004,", lines[2], StringComparison.Ordinal);
        Assert.Contains("ML3004: ", CliRun.Of("test", "--path", unsound).Output, StringComparison.Ordinal);
        Assert.Equal(1, CliRun.Of("test", "--path", _folder["missing.pth"]).ExitCode);
        Assert.Equal(
            2,
            System
                .Text.Json.JsonDocument.Parse(CliRun.Of("test", "--path", sound, "--path", unsound, "--format", "json").Output)
                .RootElement.GetArrayLength());
    }

    [Fact]
    public void A_file_that_is_not_a_checkpoint_is_distinguished_from_a_damaged_one()
    {
        byte[] torch = File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.pth"));
        byte[] legacy = File.ReadAllBytes(Fixtures.PathOf("tiny/legacy.pth"));
        byte[] safetensors = File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.safetensors"));
        (string Name, byte[] Content, CheckpointVerdict Verdict)[] files =
        [
            ("rows.csv", "Name,Size\n"u8.ToArray(), CheckpointVerdict.NotACheckpoint),
            ("text", "any text"u8.ToArray(), CheckpointVerdict.NotACheckpoint),
            ("brace.txt", "{\"a\": 1{\"b\": 2}"u8.ToArray(), CheckpointVerdict.NotACheckpoint),
            ("empty.py", [], CheckpointVerdict.NotACheckpoint),
            ("config.json", "{\"layers\": 2}"u8.ToArray(), CheckpointVerdict.NotACheckpoint),
            ("broken.json", "{\"layers\": "u8.ToArray(), CheckpointVerdict.NotACheckpoint),
            ("book.zip", ZipOf("chapter.txt"), CheckpointVerdict.NotACheckpoint),
            ("list.pkl", [0x80, 2, (byte)']', (byte)'.'], CheckpointVerdict.NotACheckpoint),
            ("zeros.dat", new byte[4096], CheckpointVerdict.NotACheckpoint),
            ("page.pth", "<html>404</html>"u8.ToArray(), CheckpointVerdict.Unsound),
            ("zeros.safetensors", new byte[4096], CheckpointVerdict.Unsound),
            ("empty.bin", [], CheckpointVerdict.Unsound),
            ("model.safetensors.index.json", "{\"weight_map\": "u8.ToArray(), CheckpointVerdict.Unsound),
            ("cut.weights", torch[..^100], CheckpointVerdict.Unsound),
            ("cut.old", legacy[..^1], CheckpointVerdict.Unsound),
            ("cut.st", safetensors[..^1], CheckpointVerdict.Unsound),
            ("good.weights", torch, CheckpointVerdict.Sound),
        ];
        foreach ((string name, byte[] content, CheckpointVerdict expected) in files)
        {
            WeightVerdict verdict = WeightTester.Test(_folder.Write(name, content));
            Assert.Equal((name, expected.ToString(), expected == CheckpointVerdict.Sound), (name, verdict.Verdict, verdict.IsSound));
            Assert.Equal(expected == CheckpointVerdict.Sound, verdict.RuleId is null);
        }
        Assert.Equal("NotACheckpoint", WeightTester.Test(Directory.CreateDirectory(_folder["empty"]).FullName).Verdict);

        // The command line gives the same verdict in every form. The exit code is 1, because a user who names a path expects a checkpoint.
        string[] forms = [.. new[] { "table", "csv", "json" }.Select(format =>
        {
            CliRun run = CliRun.Of("test", "--path", _folder["rows.csv"], "--format", format);
            Assert.Equal(1, run.ExitCode);
            return run.Output;
        })];
        Assert.All(forms, output => Assert.Contains("NotACheckpoint", output, StringComparison.Ordinal));
        Assert.Contains(",NotACheckpoint,False,ML1004,", forms[1], StringComparison.Ordinal);

        static byte[] ZipOf(string name)
        {
            using var bytes = new MemoryStream();
            using (var archive = new System.IO.Compression.ZipArchive(bytes, System.IO.Compression.ZipArchiveMode.Create))
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write("text"u8);
            }
            return bytes.ToArray();
        }
    }

    private static byte[] CheckpointsOf(int bytes) =>
        Checkpoints.CheckpointKit.Safetensors($"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{bytes}],\"data_offsets\":[0,{bytes}]}}}}", bytes);

    private static void Add(MemorySource source, string name, DType dtype, ReadOnlySpan<byte> content) =>
        source.AddView(name, dtype, source.AddStorage(content), 0, [content.Length / dtype.ElementSize()], [1]);
}
