using System.Globalization;
using System.Runtime.InteropServices;
using MemLoad.Tests.Writing;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Loading;

/// <summary>Disks that no longer deliver a page of a mapped file, or the folder of a checkpoint.</summary>
public sealed partial class FailingDiskTests
{
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_mapped_page_that_the_disk_does_not_return_is_ML1007_at_its_place(int storage)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "maps and protections of Linux");
        using var folder = new TemporaryFolder();
        string path = folder["x.pth"];
        var source = new MemorySource()
            .Add("a", DType.Float32, 256, 1024)
            .Add("b", DType.Float32, 256, 1024)
            .Add("c", DType.Float32, 256, 1024);
        CheckpointWriter.Write(source, path, CheckpointFormat.TorchZip);
        Checkpoint checkpoint = Checkpoint.Open(path);
        Extent failing = checkpoint.Storages[storage];
        using var device = new SimulatedDevice();
        LoadPlan plan = LoadPlan.Create(Strategy.Mmap, checkpoint, device);
        long? broken = null;

        var error = Assert.Throws<MemLoadException>(() =>
            PlanRunner.Run(plan, device, _ => broken ??= Break(path, failing.Offset + (failing.Length / 2))));

        Assert.NotNull(broken);
        Assert.Equal(("ML1007", path), (error.Rule.Id, error.Path));
        // The piece of the copy that contains the page.
        Assert.InRange(error.Offset!.Value, failing.Offset, broken.Value);
        Assert.Contains("the disk does not return a page", error.Finding, StringComparison.Ordinal);
        Assert.Equal(0, device.Memory.Allocated);
    }

    [SkippableFact]
    public void A_read_that_is_denied_after_the_file_was_opened_is_ML1007()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "descriptors of Linux");
        using var folder = new TemporaryFolder();
        string path = folder.Write("x.pth", "0123456789");
        using CheckpointFileReader reader = CheckpointFileReader.Open(path);
        using SafeFileHandle writer = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        // .NET has one exception for reads of a descriptor that is only for writing and for reads that a server denies.
        Assert.True(Duplicate(writer, reader.Handle) >= 0);

        foreach (Action read in (Action[])[() => reader.ReadExactly(4, new byte[2]), () => reader.ReadBulk(4, new byte[2])])
        {
            MemLoadException error = Assert.Throws<MemLoadException>(read);
            Assert.Equal(("ML1007", path, 4), (error.Rule.Id, error.Path, error.Offset));
        }
    }

    [Theory]
    [InlineData(Strategy.Baseline)]
    [InlineData(Strategy.Sequential)]
    [InlineData(Strategy.Meta)]
    [InlineData(Strategy.Mmap)]
    [InlineData(Strategy.PerTensor)]
    [InlineData(Strategy.Stream)]
    public void A_folder_that_is_removed_between_plan_and_load_is_loaded_because_its_files_are_open(Strategy strategy)
    {
        using var folder = new TemporaryFolder();
        string cache = Directory.CreateDirectory(folder["cache"]).FullName;
        string path = Path.Combine(cache, "x.pth");
        File.Copy(Fixtures.PathOf("tiny/fp32.pth"), path);
        foreach (string device in (string[])["cpu", "sim"])
        {
            Directory.CreateDirectory(cache);
            File.Copy(Fixtures.PathOf("tiny/fp32.pth"), path, overwrite: true);
            using var prepared = PreparedLoad.Prepare(new LoadRequest { Path = path, Strategy = strategy, Device = device });
            Assert.Null(prepared.Refusal);
            Directory.Delete(cache, recursive: true);

            using LoadedWeights weights = prepared.Load();

            Assert.Equal(WeightsDigest.Of(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"))), WeightsDigest.Of(weights));
        }
    }

    // Unmaps a page, which has the same effect on a system call as a page that cannot be read. Returns the offset of the page in the file,
    // or null while the file is not mapped.
    private static long? Break(string path, long offset)
    {
        long page = offset & ~4095L;
        foreach (string line in File.ReadLines("/proc/self/maps").Where(line => line.EndsWith($" {path}", StringComparison.Ordinal)))
        {
            // A line is: begin-end rw-p offset …
            string[] words = line.Split(' ');
            long[] numbers =
            [
                .. words[0]
                    .Split('-')
                    .Append(words[2])
                    .Select(word => long.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
            ];
            (long begin, long length, long from) = (numbers[0], numbers[1] - numbers[0], numbers[2]);
            if (page >= from && page < from + length)
            {
                Assert.Equal(0, Protect((nint)(begin + page - from), 4096, 0));
                return page;
            }
        }
        return null;
    }

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(SafeFileHandle descriptor, SafeFileHandle replaced);
}
