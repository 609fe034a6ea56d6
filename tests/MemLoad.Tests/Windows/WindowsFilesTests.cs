using System.Diagnostics;
using System.Text;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Windows;

/// <summary>Renames, sharing modes and attributes on Windows.</summary>
public sealed class WindowsFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<CheckpointFormat> Formats =>
        [CheckpointFormat.TorchZip, CheckpointFormat.Safetensors, CheckpointFormat.PerTensor];

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void A_read_only_file_is_replaced_on_request(CheckpointFormat format)
    {
        RequireWindows();
        MemorySource fresh = Weights(2);
        CheckpointWriter.Write(Weights(1), _folder["x"], format);
        foreach (string file in Directory.Exists(_folder["x"]) ? Directory.GetFiles(_folder["x"]) : [_folder["x"]])
        {
            File.SetAttributes(file, FileAttributes.ReadOnly);
        }

        CheckpointWriter.Write(fresh, _folder["x"], format, overwrite: true);

        Assert.Equal(WeightsDigest.Of(fresh), WeightsDigest.Of(Checkpoint.Open(_folder["x"])));
        Assert.Equal(["x"], _folder.Names);
        if (format != CheckpointFormat.PerTensor)
        {
            // A file gets the permissions of the file that it replaces, as on Linux and with Export-Csv.
            Assert.True(File.GetAttributes(_folder["x"]).HasFlag(FileAttributes.ReadOnly));
            File.SetAttributes(_folder["x"], FileAttributes.Normal);
        }
    }

    [SkippableFact]
    public void A_file_that_is_being_read_is_replaced_and_its_reader_keeps_the_old_one()
    {
        RequireWindows();
        CompatibilityLayer.SkipRenameOverOpenFile();
        CheckpointWriter.Write(Weights(1), _folder["x.pth"], CheckpointFormat.TorchZip);
        byte[] old = File.ReadAllBytes(_folder["x.pth"]);
        using CheckpointFileReader reader = CheckpointFileReader.Open(_folder["x.pth"]);

        CheckpointWriter.Write(Weights(3), _folder["x.pth"], CheckpointFormat.TorchZip, overwrite: true);

        byte[] seen = new byte[old.Length];
        reader.ReadExactly(0, seen);
        Assert.Equal(old, seen);
        Assert.Equal(WeightsDigest.Of(Weights(3)), WeightsDigest.Of(Checkpoint.Open(_folder["x.pth"])));
    }

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void A_program_that_opens_the_old_file_briefly_only_delays_a_writer(CheckpointFormat format)
    {
        RequireWindows();
        CheckpointWriter.Write(Weights(1), _folder["x"], format);
        string held = Directory.Exists(_folder["x"]) ? Directory.GetFiles(_folder["x"])[0] : _folder["x"];
        var scanner = new FileStream(held, FileMode.Open, FileAccess.Read, FileShare.Read);
        var leaves = new Thread(() =>
        {
            Thread.Sleep(200);
            scanner.Dispose();
        });
        leaves.Start();

        CheckpointWriter.Write(Weights(2), _folder["x"], format, overwrite: true);

        leaves.Join();
        Assert.Equal(WeightsDigest.Of(Weights(2)), WeightsDigest.Of(Checkpoint.Open(_folder["x"])));
        Assert.Equal(["x"], _folder.Names);
    }

    [SkippableFact]
    public void A_file_that_is_open_for_writing_is_not_read_and_one_that_is_read_is_not_written()
    {
        RequireWindows();
        CheckpointWriter.Write(Weights(1), _folder["x.pth"], CheckpointFormat.TorchZip);
        using (new FileStream(_folder["x.pth"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            Assert.Equal("ML1002", Assert.Throws<MemLoadException>(() => Checkpoint.Open(_folder["x.pth"])).Rule.Id);
        }
        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = _folder["x.pth"], Device = "cpu", Strategy = Strategy.Mmap });

        Assert.ThrowsAny<IOException>(() =>
            new FileStream(_folder["x.pth"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete).Dispose());
    }

    [SkippableFact]
    public void A_file_has_a_number_and_its_replacement_has_another()
    {
        RequireWindows();
        string path = _folder.Write("a", [1]);
        using CheckpointFileReader first = CheckpointFileReader.Open(path);
        using CheckpointFileReader again = CheckpointFileReader.Open(path);
        using CheckpointFileReader other = CheckpointFileReader.Open(_folder.Write("b", [1]));

        Assert.Equal(first.Stamp, again.Stamp);
        Assert.NotEqual(first.Stamp.Inode, other.Stamp.Inode);
    }

    [SkippableFact]
    public void Free_space_is_that_of_the_volume_of_the_folder()
    {
        RequireWindows();

        long free = WriteFailures.FreeBytes(_folder.Path)!.Value;

        // Other programs may write at the same time.
        Assert.InRange(free, 0, new DriveInfo(Path.GetPathRoot(_folder.Path)!).TotalSize);
        Assert.Null(WriteFailures.FreeBytes(_folder["absent"]));
    }

    [SkippableFact]
    public void Memory_that_the_system_refuses_is_ML7001()
    {
        Skip.IfNot(OperatingSystem.IsWindows(), "Linux overcommits memory");
        using var memory = new HostMemory();

        Assert.Same(Rules.HostMemoryExhausted, Assert.Throws<MemLoadException>(() => memory.Allocate(1L << 46)).Rule);
    }

    [Fact]
    public void Errors_in_a_pipe_are_UTF8()
    {
        string name = _folder["größe-モデル.pth"];
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "memload.dll"), "inspect", "--path", name])
        {
            StandardErrorEncoding = new UTF8Encoding(false, throwOnInvalidBytes: true),
        };
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["LC_ALL"] = "C.UTF-8";

        Assert.Contains("größe-モデル.pth", EndedProcess.Run(start).Error, StringComparison.Ordinal);
    }

    private static void RequireWindows() =>
        Skip.IfNot(OperatingSystem.IsWindows(), "on other systems shares and attributes do not block a writer");

    private static MemorySource Weights(int size) => new MemorySource().Add("a", DType.Float32, size, 1000).Add("b", DType.Int8, 10);
}
