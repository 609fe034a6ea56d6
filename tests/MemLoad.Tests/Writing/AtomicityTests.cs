using System.Collections.Immutable;
using System.IO.Pipes;
using System.Net.Sockets;

namespace MemLoad.Tests.Writing;

public sealed class AtomicityTests
{
    private const string Hex = "0123456789abcdef";

    public static TheoryData<CheckpointFormat> Formats =>
        [CheckpointFormat.TorchZip, CheckpointFormat.Safetensors, CheckpointFormat.PerTensor];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Cancelling_at_any_byte_leaves_nothing_new_and_everything_old(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = Weights();
        CheckpointWriter.Write(Other(), folder["kept"], format);
        string[] old = Content(folder["kept"]);
        var random = new Random(4);
        for (int i = 0; i < 12; i++)
        {
            using var cancellation = new CancellationTokenSource();
            var stopped = new Interrupted(source, random.NextInt64(TotalBytes(source)), cancellation.Cancel);
            (string name, bool overwrite) = i % 2 == 0 ? ("fresh", false) : ("kept", true);

            Assert.Throws<OperationCanceledException>(
                () => CheckpointWriter.Write(stopped, folder[name], format, overwrite, null, cancellation.Token));

            Assert.Equal(["kept"], folder.Names);
            Assert.Equal(old, Content(folder["kept"]));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_source_that_fails_leaves_nothing_new_and_everything_old(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = Weights();
        CheckpointWriter.Write(Other(), folder["kept"], format);
        string[] old = Content(folder["kept"]);
        foreach (long at in new[] { 0, 1, TotalBytes(source) / 2, TotalBytes(source) - 1 })
        {
            var failing = new Interrupted(source, at, () => throw new TimeoutException("the share is gone"));

            Assert.Throws<TimeoutException>(() => CheckpointWriter.Write(failing, folder["kept"], format, overwrite: true));

            Assert.Equal(["kept"], folder.Names);
            Assert.Equal(old, Content(folder["kept"]));
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_source_with_other_bytes_than_it_states_writes_nothing(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        foreach (int surplus in new[] { -1, 1 })
        {
            var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(new Lying(Other(), surplus), folder["x"], format));
            Assert.Equal("ML9110", refusal.Rule.Id);
            Assert.Empty(folder.Names);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void An_existing_target_is_replaced_only_when_allowed(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        CheckpointWriter.Write(Other(), folder["x"], format);
        string[] old = Content(folder["x"]);

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(Weights(), folder["x"], format));
        Assert.Equal("ML9102", refusal.Rule.Id);
        Assert.Equal(old, Content(folder["x"]));

        CheckpointWriter.Write(Weights(), folder["x"], format, overwrite: true);
        Assert.NotEqual(old, Content(folder["x"]));
        Assert.Equal(["x"], folder.Names);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_target_that_appears_meanwhile_is_not_overwritten(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        var source = new Interrupted(Weights(), 1000, () => CheckpointWriter.Write(Other(), folder["x"], format));

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(source, folder["x"], format));

        Assert.Equal("ML9102", refusal.Rule.Id);
        Assert.Equal(["x"], folder.Names);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Only_the_files_of_a_killed_writer_are_removed(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        string[] others =
        [
            ".x.tmp",
            $".x.{Hex}",
            $".x.{Hex}0.tmp",
            $".y.{Hex}.tmp",
            $"x.{Hex}.tmp",
            ".x.0123456789ABCDEF.tmp",
            $".xx.{Hex}.tmp",
        ];
        foreach (string name in others)
        {
            File.WriteAllText(folder[name], "mine");
        }
        File.WriteAllText(folder[$".x.{Hex}.tmp"], "left by a file's writer");
        string leftFolder = folder[$".x.{new string('a', 16)}.tmp"];
        Directory.CreateDirectory(leftFolder);
        File.WriteAllText(Path.Combine(leftFolder, "t.pt"), "left by a folder's writer");
        string held = $".x.{new string('b', 16)}.tmp";
        using (new FileStream(folder[held], FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            CheckpointWriter.Write(Other(), folder["x"], format);
            Assert.Equal([.. others.Append("x").Append(held).Order(StringComparer.Ordinal)], folder.Names);
        }
        CheckpointWriter.Write(Other(), folder["x"], format, overwrite: true);
        Assert.Equal([.. others.Append("x").Order(StringComparer.Ordinal)], folder.Names);
    }

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void A_writer_leaves_no_file_open(CheckpointFormat format)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "reads /proc/self/fd");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder[$".x.{Hex}.tmp"], "left by a file's writer");
        string leftFolder = folder[$".x.{new string('a', 16)}"];
        Directory.CreateDirectory(leftFolder + ".tmp");
        File.WriteAllText(leftFolder + ".lock", "");
        var failing = new Interrupted(Other(), 1000, () => throw new TimeoutException("the share is gone"));

        CheckpointWriter.Write(Other(), folder["x"], format);
        CheckpointWriter.Write(Checkpoint.Open(folder["x"]), folder["x"], format, overwrite: true);
        CheckpointWriter.RequireWritable(folder["x"], format, overwrite: true);
        Assert.Throws<TimeoutException>(() => CheckpointWriter.Write(failing, folder["x"], format, overwrite: true));

        Assert.Equal(["x"], folder.Names);
        Assert.DoesNotContain(
            new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Select(file => file.LinkTarget),
            target => target?.StartsWith(folder.Path, StringComparison.Ordinal) == true);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_checkpoint_larger_than_the_disk_is_refused_before_a_byte_is_read(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(new Enormous(), folder["x"], format));

        Assert.Equal("ML9104", refusal.Rule.Id);
        Assert.Contains("disk full", refusal.Message, StringComparison.Ordinal);
        Assert.Matches("[0-9]{18,} bytes are needed and [0-9]+ are free", refusal.Message);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Weights_whose_bytes_do_not_fit_64_bits_are_refused(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        IWeightSource source = format == CheckpointFormat.TorchZip ? new Enormous(32) : Repeating(2);

        var counted = Assert.Throws<MemLoadException>(() => CheckpointWriter.CountBytes(source, folder["x"], format));
        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(source, folder["x"], format));

        Assert.Equal(("ML9104", "ML9104"), (counted.Rule.Id, refusal.Rule.Id));
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Shards_whose_bytes_do_not_fit_64_bits_are_refused()
    {
        using var folder = new TemporaryFolder();
        MemorySource source = Repeating(2);

        var counted = Assert.Throws<MemLoadException>(() => CheckpointWriter.CountShardBytes(source, folder["x"], 1000));
        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.WriteShards(source, folder["x"], 1000));

        Assert.Equal(("ML9104", "ML9104"), (counted.Rule.Id, refusal.Rule.Id));
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_folder_without_tensors_is_not_written_because_it_would_not_open()
    {
        using var folder = new TemporaryFolder();
        var none = new MemorySource();

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(none, folder["x"], CheckpointFormat.PerTensor));
        var shards = Assert.Throws<MemLoadException>(() => CheckpointWriter.WriteShards(none, folder["x"], 1000));
        CheckpointWriter.Write(none, folder["x.pth"], CheckpointFormat.TorchZip);

        Assert.Equal(("ML9101", "ML9101"), (refusal.Rule.Id, shards.Rule.Id));
        Assert.Equal(["x.pth"], folder.Names);
        Assert.Empty(Checkpoint.Open(folder["x.pth"]).Tensors);
    }

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void A_source_that_is_renamed_meanwhile_is_read_to_its_end(CheckpointFormat format)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems report progress at other bytes");
        using var folder = new TemporaryFolder();
        MemorySource weights = new MemorySource().Add("a", DType.UInt8, 3 << 20).Add("b", DType.UInt8, 3 << 20).Add("c", DType.UInt8, 99);
        CheckpointWriter.Write(weights, folder["x.safetensors"], CheckpointFormat.Safetensors);
        var source = Checkpoint.Open(folder["x.safetensors"]);
        var progress = new Listener(bytes =>
        {
            if (bytes > 1 << 20 && File.Exists(folder["x.safetensors"]))
            {
                File.Move(folder["x.safetensors"], folder["y.safetensors"]);
            }
        });

        CheckpointWriter.Write(source, folder["x"], format, bytesWritten: progress);

        Assert.Equal(["x", "y.safetensors"], folder.Names);
        Assert.Equal(WeightsDigest.Of(Checkpoint.Open(folder["y.safetensors"])), WeightsDigest.Of(Checkpoint.Open(folder["x"])));
    }

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void A_source_that_is_written_to_meanwhile_gives_no_checkpoint(CheckpointFormat format)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems report progress at other bytes");
        using var folder = new TemporaryFolder();
        MemorySource weights = new MemorySource().Add("a", DType.UInt8, 3 << 20).Add("b", DType.UInt8, 3 << 20).Add("c", DType.UInt8, 99);
        CheckpointWriter.Write(weights, folder["x.safetensors"], CheckpointFormat.Safetensors);
        var source = Checkpoint.Open(folder["x.safetensors"]);
        var progress = new Listener(_ => File.SetLastWriteTimeUtc(folder["x.safetensors"], DateTime.UnixEpoch));

        var refusal = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(source, folder["x"], format, bytesWritten: progress));

        Assert.Equal("ML1006", refusal.Rule.Id);
        Assert.Equal(["x.safetensors"], folder.Names);
    }

    [Fact]
    public void Other_formats_are_not_written()
    {
        using var folder = new TemporaryFolder();
        foreach (CheckpointFormat format in new[] { CheckpointFormat.TorchLegacy, CheckpointFormat.Sharded, (CheckpointFormat)99 })
        {
            var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(Other(), folder["x"], format));
            Assert.Equal("ML9101", refusal.Rule.Id);
        }
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_target_of_the_wrong_kind_or_without_a_place_is_refused()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["folder"]);
        File.WriteAllText(folder["file"], "mine");
        Directory.CreateDirectory(folder["mixed"]);
        File.WriteAllText(folder["mixed/a.pt"], "weights");
        File.WriteAllText(folder["mixed/notes.txt"], "mine");
        Directory.CreateDirectory(folder["deep/sub.pt"]);
        Directory.CreateDirectory(folder["hidden"]);
        File.WriteAllText(folder["hidden/.mine"], "mine");
        (string Path, CheckpointFormat Format)[] cases =
        [
            (folder["folder"], CheckpointFormat.TorchZip),
            (folder["folder/"], CheckpointFormat.Safetensors),
            (folder["file"], CheckpointFormat.PerTensor),
            (folder["file/x"], CheckpointFormat.TorchZip),
            (folder["absent/x"], CheckpointFormat.TorchZip),
            (folder["absent/x"], CheckpointFormat.PerTensor),
            (folder["mixed"], CheckpointFormat.PerTensor),
            (folder["deep"], CheckpointFormat.PerTensor),
            (folder["hidden"], CheckpointFormat.PerTensor),
            (Path.GetPathRoot(folder.Path)!, CheckpointFormat.PerTensor),
            (folder[new string('x', 256)], CheckpointFormat.TorchZip),
        ];
        foreach ((string path, CheckpointFormat format) in cases)
        {
            var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(Other(), path, format, overwrite: true));
            Assert.Equal((path, "ML9103"), (path, refusal.Rule.Id));
        }
        Assert.Equal(["deep", "file", "folder", "hidden", "mixed"], folder.Names);
        Assert.Equal("mine", File.ReadAllText(folder["mixed/notes.txt"]));
    }

    [SkippableFact]
    public void A_device_is_never_replaced()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has devices in /dev");

        var refusal = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(Other(), "/dev/null", CheckpointFormat.TorchZip, overwrite: true));

        Assert.Equal("ML9103", refusal.Rule.Id);
    }

    [SkippableFact]
    public void A_pipe_a_socket_and_a_device_outside_of_dev_are_never_replaced()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports the kind of a file");
        using var folder = new TemporaryFolder();
        Assert.Equal(0, EndedProcess.Run("mkfifo", folder["pipe"]).ExitCode);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(folder["socket"]));
        File.CreateSymbolicLink(folder["link"], folder["pipe"]);
        using var unnamed = new AnonymousPipeServerStream();
        List<string> names = ["pipe", "socket", "link", $"/proc/self/fd/{unnamed.SafePipeHandle.DangerousGetHandle()}"];
        // Only root makes devices, and not in every container.
        if (EndedProcess.Run("mknod", folder["device"], "c", "1", "3").ExitCode == 0)
        {
            names.Add("device");
        }

        foreach (string name in names)
        {
            var refusal = Assert.Throws<MemLoadException>(() =>
                CheckpointWriter.Write(Other(), folder[name], CheckpointFormat.TorchZip, overwrite: true));
            Assert.Equal((name, "ML9103"), (name, refusal.Rule.Id));
            Assert.Contains("is not overwritten", refusal.Finding, StringComparison.Ordinal);
            Assert.False(LinuxFileStatus.Of(folder[name])!.Value.IsRegular);
        }
    }

    [SkippableFact]
    public void A_replaced_file_keeps_its_permissions_and_a_link_stays_a_link()
    {
        Skip.If(OperatingSystem.IsWindows(), "Unix permissions and links");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["real"]);
        CheckpointWriter.Write(Weights(), folder["real/x.pth"], CheckpointFormat.TorchZip);
#pragma warning disable CA1416 // skipped on Windows
        File.SetUnixFileMode(
            folder["real/x.pth"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        UnixFileMode mode = File.GetUnixFileMode(folder["real/x.pth"]);
        File.CreateSymbolicLink(folder["link.pth"], folder["real/x.pth"]);
        File.CreateSymbolicLink(folder["dangling.pth"], folder["real/new.pth"]);

        CheckpointWriter.Write(Other(), folder["link.pth"], CheckpointFormat.TorchZip, overwrite: true);
        var refusal = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(Other(), folder["dangling.pth"], CheckpointFormat.TorchZip));
        CheckpointWriter.Write(Other(), folder["dangling.pth"], CheckpointFormat.TorchZip, overwrite: true);

        Assert.Equal("ML9102", refusal.Rule.Id); // the name exists, independent of the target of the link
        Assert.Equal(mode, File.GetUnixFileMode(folder["real/x.pth"]));
#pragma warning restore CA1416
        Assert.NotNull(new FileInfo(folder["link.pth"]).LinkTarget);
        Assert.Equal(Other().Lines(strides: true), Checkpoint.Open(folder["real/x.pth"]).Lines(strides: true));
        Assert.Equal(Other().Lines(strides: true), Checkpoint.Open(folder["real/new.pth"]).Lines(strides: true));
    }

    [Fact]
    public void The_longest_file_name_a_file_system_takes_can_be_written()
    {
        using var folder = new TemporaryFolder();
        string name = new('x', 255);
        CheckpointWriter.Write(Other(), folder[name], CheckpointFormat.TorchZip);
        Assert.Equal([name], folder.Names);
    }

    [SkippableFact]
    public void A_name_is_as_long_as_its_bytes_where_file_systems_count_these()
    {
        Skip.If(OperatingSystem.IsWindows(), "counts UTF-16 units");
        using var folder = new TemporaryFolder();
        string name = new('ü', 127);
        CheckpointWriter.Write(Other(), folder[name + "x"], CheckpointFormat.TorchZip); // 255 bytes

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(Other(), folder[name + "ü"], CheckpointFormat.TorchZip));

        Assert.Equal("ML9103", refusal.Rule.Id);
        Assert.Contains("longer than the 255", refusal.Message, StringComparison.Ordinal);
        Assert.Equal([name + "x"], folder.Names);
    }

    [Fact]
    public void The_check_of_a_target_leaves_no_files()
    {
        using var folder = new TemporaryFolder();
        folder.Write("file.pth", "mine");
        Directory.CreateDirectory(folder["folder"]);

        CheckpointWriter.RequireWritable(folder["new.pth"], CheckpointFormat.TorchZip);
        CheckpointWriter.RequireWritable(folder["new"], CheckpointFormat.PerTensor);
        CheckpointWriter.RequireWritable(folder["file.pth"], CheckpointFormat.TorchZip, overwrite: true);
        (string Rule, string Name, CheckpointFormat Format)[] refused =
        [
            ("ML9101", "new.pth", CheckpointFormat.Sharded),
            ("ML1008", "new.pth", CheckpointFormat.Safetensors),
            ("ML9102", "file.pth", CheckpointFormat.TorchZip),
            ("ML9102", "folder", CheckpointFormat.PerTensor),
            ("ML9103", "folder", CheckpointFormat.TorchZip),
            ("ML9103", "file.pth", CheckpointFormat.PerTensor),
            ("ML9103", "absent/new.pth", CheckpointFormat.TorchZip),
        ];
        Assert.All(refused, each =>
            Assert.Equal(
                each.Rule,
                Assert.Throws<MemLoadException>(() => CheckpointWriter.RequireWritable(folder[each.Name], each.Format)).Rule.Id));

        Assert.Equal(["file.pth", "folder"], folder.Names);
        Assert.Equal("mine", File.ReadAllText(folder["file.pth"]));
    }

    [Fact]
    public void A_missing_folder_can_be_created_only_below_a_folder()
    {
        using var folder = new TemporaryFolder();
        folder.Write("file", "mine");

        WriteTarget.RequireFolder(folder.Path);
        WriteTarget.RequireFolder(folder["a/b/c"]);

        Assert.All(new[] { "file", "file/a", "file/a/b" }, name =>
            Assert.Equal("ML9103", Assert.Throws<MemLoadException>(() => WriteTarget.RequireFolder(folder[name])).Rule.Id));
        Assert.Equal(["file"], folder.Names);
    }

    [SkippableFact]
    public void A_folder_that_cannot_be_written_to_is_refused_before_long_work()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has /proc, in which no user can create files");

        Assert.All(new[] { "/proc", "/proc/absent", "/proc/absent/deeper" }, folder =>
            Assert.Equal("ML9103", Assert.Throws<MemLoadException>(() => WriteTarget.RequireFolder(folder)).Rule.Id));
        Assert.All(new[] { CheckpointFormat.TorchZip, CheckpointFormat.PerTensor }, format =>
            Assert.Equal("ML9103", Assert.Throws<MemLoadException>(() => CheckpointWriter.RequireWritable("/proc/x", format)).Rule.Id));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Progress_grows_to_exactly_the_bytes_that_were_announced_and_written(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = Weights();
        long announced = CheckpointWriter.CountBytes(source, folder["x"], format);
        var heard = new List<long>();

        CheckpointWriter.Write(source, folder["x"], format, bytesWritten: new Listener(heard.Add));

        long onDisk = format == CheckpointFormat.PerTensor
            ? Directory.EnumerateFiles(folder["x"]).Sum(file => new FileInfo(file).Length)
            : new FileInfo(folder["x"]).Length;
        Assert.Equal((announced, announced), (onDisk, heard[^1]));
        Assert.Equal(heard.Order(), heard);
        Assert.True(heard.Count > 1);
    }

    [Theory]
    [InlineData(-1, 0L, 8L)]
    [InlineData(1, 0L, 8L)]
    [InlineData(0, 7L, 8L)]
    [InlineData(0, -1L, 8L)]
    [InlineData(0, 0L, -8L)]
    [InlineData(0, 0L, long.MaxValue)]
    public void An_unsound_view_of_any_source_is_refused(int storage, long offset, long dimension)
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        source.AddStorage(32);
        source.AddView("t", DType.Float32, storage, offset, [dimension], [1]);

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(source, folder["x"], CheckpointFormat.TorchZip));

        Assert.StartsWith("ML600", refusal.Rule.Id, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Repeated_and_broken_names_are_refused()
    {
        using var folder = new TemporaryFolder();
        MemorySource repeated = new MemorySource().Add("a", DType.Int8, 1).Add("a", DType.Int8, 1);
        MemorySource broken = new MemorySource().Add("\ud800", DType.Int8, 1);

        Assert.Equal(
            "ML6001",
            Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(repeated, folder["x"], CheckpointFormat.TorchZip)).Rule.Id);
        Assert.Equal(
            "ML9107",
            Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(broken, folder["x"], CheckpointFormat.TorchZip)).Rule.Id);
    }

    private static MemorySource Weights() =>
        new MemorySource()
            .Add("a", DType.Float32, 700, 1000)
            .Add("b", DType.BFloat16, 1000, 2000)
            .Add("c", DType.UInt8, 100)
            .Add("d", DType.Float64, 300_000);

    private static MemorySource Other() => new MemorySource().Add("old", DType.Int16, 5000).Add("older", DType.Int8, 3);

    // Tensors of 2⁶² bytes each, which repeat the same four bytes.
    private static MemorySource Repeating(int count)
    {
        var source = new MemorySource();
        int storage = source.AddStorage([1, 2, 3, 4]);
        for (int i = 0; i < count; i++)
        {
            source.AddView($"t{i}", DType.Float32, storage, 0, [1L << 60], [0]);
        }
        return source;
    }

    private static long TotalBytes(MemorySource source) => source.StorageLengths.Sum();

    private static string[] Content(string path) => Directory.Exists(path)
        ? [.. Directory.EnumerateFiles(path).Order(StringComparer.Ordinal).SelectMany(file => new[] { Path.GetFileName(file), Sum(file) })]
        : [Sum(path)];

    private static string Sum(string file) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));

    // Delivers more or fewer bytes than the shapes require.
    private sealed class Lying(MemorySource honest, int surplus) : IWeightSource
    {
        public ImmutableArray<TensorEntry> Tensors => honest.Tensors;

        public ImmutableArray<long> StorageLengths => honest.StorageLengths;

        public void StreamStorage(int storage, ElementSink sink) => sink(new byte[honest.StorageLengths[storage] + surplus]);

        public void StreamElements(TensorEntry tensor, ElementSink sink) => sink(new byte[tensor.Bytes + surplus]);
    }

    // The size exceeds every disk.
    private sealed class Enormous(int tensors = 1) : IWeightSource
    {
        public ImmutableArray<TensorEntry> Tensors { get; } =
            [.. Enumerable.Range(0, tensors).Select(i => new TensorEntry($"huge{i}", DType.Float32, [1L << 56], [1], i, 0))];

        public ImmutableArray<long> StorageLengths => [.. Enumerable.Repeat(1L << 58, Tensors.Length)];

        public void StreamStorage(int storage, ElementSink sink) => throw new NotSupportedException("nobody should ask");

        public void StreamElements(TensorEntry tensor, ElementSink sink) => throw new NotSupportedException("nobody should ask");
    }

    [Theory]
    [InlineData("x.pth", CheckpointFormat.Safetensors)]
    [InlineData("x.PT", CheckpointFormat.Safetensors)]
    [InlineData("x.safetensors", CheckpointFormat.TorchZip)]
    public void A_name_of_another_format_is_refused_and_the_file_with_that_name_is_kept(string name, CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(name, "the old file");

        var refusal = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")), path, format, overwrite: true));

        Assert.Equal("ML1008", refusal.Rule.Id);
        Assert.Equal("the old file", File.ReadAllText(path));
        Assert.Equal([name], folder.Names);
    }
}
