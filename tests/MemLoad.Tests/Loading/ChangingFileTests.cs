using System.Diagnostics;
using MemLoad.Tests.Windows;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Loading;

/// <summary>
/// Files that other programs truncate, extend, rewrite or replace while they are loaded. The weights are those of the opened file, or there
/// is an error. The process never ends.
/// </summary>
public sealed class ChangingFileTests
{
    private static readonly string[] Acceptable = ["ML1005", "ML1006"];

    /// <summary>A change of a file.</summary>
    public enum Change
    {
        Truncate,
        Grow,
        Rewrite,
        Replace,
    }

    public static TheoryData<Strategy, string, Change> Everything
    {
        get
        {
            var data = new TheoryData<Strategy, string, Change>();
            foreach (Strategy strategy in Strategies.All)
            {
                foreach (string device in new[] { "cpu", "sim" })
                {
                    foreach (Change change in Enum.GetValues<Change>())
                    {
                        data.Add(strategy, device, change);
                    }
                }
            }
            return data;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Everything))]
    public void A_file_that_changes_during_a_load_gives_the_old_weights_or_an_error(Strategy strategy, string deviceName, Change change)
    {
        Skip.If(!OperatingSystem.IsLinux() && strategy == Strategy.Mmap, "only Linux notifies a process that maps a file of writers");
        if (change == Change.Replace)
        {
            CompatibilityLayer.SkipRenameOverOpenFile();
        }
        var random = new Random(((int)strategy * 10) + (int)change);
        using var folder = new TemporaryFolder();
        for (int i = 0; i < 6; i++)
        {
            string path = Written(folder, strategy.ToString());
            using IDevice device = DeviceRegistry.Open(deviceName);
            Checkpoint checkpoint = OpenSettled(path);
            string expected = WeightsDigest.Of(checkpoint);
            LoadPlan plan = LoadPlan.Create(strategy, checkpoint, device, ringBytes: 32 << 10);
            int steps = 0;
            int at = random.Next(plan.Steps.Length);

            string? digest = null;
            MemLoadException? error = null;
            try
            {
                // A batch of reads is reported as one step, so the number of the step may never be reported. The file is then not changed.
                using LoadedWeights weights = PlanRunner.Run(plan, device, _ =>
                {
                    if (steps++ == at)
                    {
                        ApplyUnlessKeptOut(change, path);
                    }
                });
                digest = WeightsDigest.Of(weights);
            }
            catch (MemLoadException e)
            {
                error = e;
            }

            Assert.True(
                error is null ? digest == expected : Acceptable.Contains(error.Rule.Id),
                $"step {at} of {steps}: {error?.ToString() ?? digest}");
        }
    }

    [SkippableTheory]
    [InlineData(Change.Truncate)]
    [InlineData(Change.Grow)]
    [InlineData(Change.Rewrite)]
    [InlineData(Change.Replace)]
    public void A_file_that_changed_between_plan_and_load_is_refused(Change change)
    {
        Skip.If(OperatingSystem.IsMacOS() && change == Change.Replace, "macOS does not identify files");
        using var folder = new TemporaryFolder();
        foreach (Strategy strategy in Strategies.All)
        {
            string path = Written(folder, strategy.ToString());
            using IDevice device = DeviceRegistry.Open("cpu");
            LoadPlan plan = LoadPlan.Create(strategy, OpenSettled(path), device);
            DateTime before = File.GetLastWriteTimeUtc(path);
            Apply(change, path);
            if (change == Change.Replace)
            {
                File.SetLastWriteTimeUtc(path, before); // the length and the time are equal, so only the file number differs
            }

            var error = Assert.Throws<MemLoadException>(() => PlanRunner.Run(plan, device).Dispose());

            Assert.Equal("ML1006", error.Rule.Id);
        }
    }

    [SkippableTheory]
    [InlineData(Change.Truncate)]
    [InlineData(Change.Grow)]
    [InlineData(Change.Rewrite)]
    public void Mapped_weights_whose_file_is_written_to_are_released_and_reported(Change change)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux notifies a process that maps a file of writers");
        using var folder = new TemporaryFolder();
        string path = Written(folder, "x");
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest
            {
                Path = path,
                Device = "cpu",
                Strategy = Strategy.Mmap,
                MapGuard = MapGuard.Required,
            });
        WeightsDigest.Of(model.Weights);

        Apply(change, path);

        Assert.Equal("ML1006", Assert.Throws<MemLoadException>(model.Weights.RequireIntact).Rule.Id);
        Assert.Equal("ML1006", Assert.Throws<MemLoadException>(() => WeightsDigest.Of(model.Weights)).Rule.Id);
        Assert.Equal("ML1006", Assert.Throws<MemLoadException>(
            () => CheckpointWriter.Write(model.Weights, folder["copy.pth"], CheckpointFormat.TorchZip)).Rule.Id);
        Assert.Equal(["x.pth"], folder.Names);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Writers_do_not_wait_also_if_the_thread_that_mapped_the_file_has_ended(bool poolIsBusy)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux notifies a process that maps a file of writers");
        using var folder = new TemporaryFolder();
        string path = Written(folder, "x");
        LoadedModel? model = null;
        var loader = new Thread(() =>
            model = WeightLoader.Load(
                new LoadRequest
                {
                    Path = path,
                    Device = "cpu",
                    Strategy = Strategy.Mmap,
                    MapGuard = MapGuard.Required,
                }));
        loader.Start();
        loader.Join();
        using LoadedModel mapped = model!;
        // Some of the work begins only after the test. A disposed event would then end the process.
        var release = new TaskCompletionSource();
        ThreadPool.GetMinThreads(out int threads, out _);
        for (int i = 0; poolIsBusy && i < 100 + threads; i++)
        {
            ThreadPool.QueueUserWorkItem(_ => release.Task.Wait());
        }

        // The kernel admits a writer after 45 seconds even without an answer. A shorter wait shows that the lease was released.
        var waiting = Stopwatch.StartNew();
        Apply(Change.Truncate, path);
        waiting.Stop();
        release.SetResult();

        Assert.InRange(waiting.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Equal("ML1006", Assert.Throws<MemLoadException>(() => WeightsDigest.Of(mapped.Weights)).Rule.Id);
    }

    [SkippableFact]
    public void Of_several_mapped_files_only_the_one_that_is_written_to_is_released()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux notifies a process that maps a file of writers");
        using var folder = new TemporaryFolder();
        string written = Written(folder, "written");
        using LoadedModel left = WeightLoader.Load(
            new LoadRequest
            {
                Path = Written(folder, "left"),
                Device = "cpu",
                Strategy = Strategy.Mmap,
                MapGuard = MapGuard.Required,
            });
        using LoadedModel lost = WeightLoader.Load(
            new LoadRequest
            {
                Path = written,
                Device = "cpu",
                Strategy = Strategy.Mmap,
                MapGuard = MapGuard.Required,
            });
        string digest = WeightsDigest.Of(left.Weights);

        Apply(Change.Rewrite, written);

        Assert.Equal("ML1006", Assert.Throws<MemLoadException>(lost.Weights.RequireIntact).Rule.Id);
        Assert.Equal(digest, WeightsDigest.Of(left.Weights));
    }

    [Fact]
    public void Mapped_weights_whose_file_is_replaced_or_deleted_stay()
    {
        using var folder = new TemporaryFolder();
        string path = Written(folder, "x");
        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Device = "cpu", Strategy = Strategy.Mmap });
        string digest = WeightsDigest.Of(model.Weights);

        if (!OperatingSystem.IsWindows()) // Windows neither renames over a mapped file nor deletes it
        {
            CheckpointWriter.Write(model.Weights, path, CheckpointFormat.TorchZip, overwrite: true);
            File.Delete(path);
        }

        Assert.Equal(digest, WeightsDigest.Of(model.Weights));
    }

    [SkippableFact]
    public void A_file_that_is_open_for_writing_is_not_mapped_if_the_process_must_not_end()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports whether a file is open for writing");
        using var folder = new TemporaryFolder();
        string path = Written(folder, "x");
        using var writer = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var request = new LoadRequest { Path = path, Device = "cpu", Strategy = Strategy.Mmap, MapGuard = MapGuard.Required };

        var refusal = Assert.Throws<MemLoadException>(() => WeightLoader.Load(request).Dispose());
        using LoadedModel chosen = WeightLoader.Load(request with { Strategy = Strategy.Auto });
        using LoadedModel forced = WeightLoader.Load(request with { MapGuard = MapGuard.WherePossible });

        Assert.Equal("ML1012", refusal.Rule.Id);
        Assert.Contains("another program has it open for writing", refusal.Message, StringComparison.Ordinal);
        Assert.NotEqual(Strategy.Mmap, chosen.Prepared.Plan.Strategy);
        Assert.Contains("not mapped: another program", chosen.Prepared.ToRow().Note, StringComparison.Ordinal);
        Assert.NotNull(forced.Prepared.MapObstacle);
        Assert.Equal(WeightsDigest.Of(chosen.Weights), WeightsDigest.Of(forced.Weights));
    }

    [SkippableFact]
    public void Files_of_file_systems_that_are_not_known_to_be_local_are_not_mapped_if_the_process_must_not_end()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "procfs");

        using CheckpointFileReader file = CheckpointFileReader.Open("/proc/version");
        Assert.Contains("not known to be local", MappingSafety.Obstacle(file), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Scattered_elements_are_read_whether_their_file_can_be_mapped_safely_or_not(bool isOpenForWriting)
    {
        Skip.If(OperatingSystem.IsWindows() && isOpenForWriting, "Windows does not open a file that another program has open for writing");
        using var folder = new TemporaryFolder();
        var source = new MemorySource().Add("before", DType.Float32, 1000);
        source.AddView("scattered", DType.Float32, source.AddStorage(400 * 300 * 4), 0, [300, 400], [1, 300]);
        CheckpointWriter.Write(source, folder["x.pth"], CheckpointFormat.TorchZip);
        using FileStream? writer = isOpenForWriting
            ? new FileStream(folder["x.pth"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite)
            : null;

        Assert.Equal(WeightsDigest.Of(source), WeightsDigest.Of(Checkpoint.Open(folder["x.pth"])));
    }

    [SkippableFact]
    public void Scattered_elements_of_a_file_that_is_cut_short_meanwhile_are_an_error()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux notifies a process that maps a file of writers");
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        source.AddView("scattered", DType.Float32, source.AddStorage(2000 * 300 * 4), 0, [300, 2000], [1, 300]);
        CheckpointWriter.Write(source, folder["x.pth"], CheckpointFormat.TorchZip);
        Checkpoint checkpoint = OpenSettled(folder["x.pth"]);
        int pieces = 0;

        var error = Assert.Throws<MemLoadException>(() => checkpoint.StreamElements(checkpoint.Tensors[0], _ =>
        {
            if (pieces++ == 0)
            {
                Apply(Change.Truncate, folder["x.pth"]);
            }
        }));

        Assert.Equal("ML1006", error.Rule.Id);
        Assert.True(pieces > 1);
    }

    [SkippableFact]
    public void Short_reads_are_continued_and_read_errors_are_ML1007()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "procfs");
        // This file system returns pieces of a page, and a read of missing memory gives EIO.
        byte[] expected = File.ReadAllBytes("/proc/kallsyms");
        using (CheckpointFileReader file = CheckpointFileReader.Open("/proc/kallsyms"))
        {
            byte[] actual = new byte[expected.Length];
            Skip.If(RandomAccess.Read(file.Handle, actual, 0) == actual.Length, "this kernel returns all bytes at once");
            file.ReadExactly(0, actual);
            Assert.Equal(expected, actual);
        }
        using CheckpointFileReader memory = CheckpointFileReader.Open("/proc/self/mem");
        var error = Assert.Throws<MemLoadException>(() => memory.ReadExactly(0, new byte[16]));
        Assert.Equal(("ML1007", 0L), (error.Rule.Id, error.Offset));
    }

    private static string Written(TemporaryFolder folder, string name)
    {
        var source = new MemorySource()
            .Add("a", DType.Float32, 100, 300)
            .Add("b", DType.BFloat16, 70, 1000)
            .Add("c", DType.UInt8, 100)
            .Add("d", DType.Float64, 3000);
        CheckpointWriter.Write(source, folder[$"{name}.pth"], CheckpointFormat.TorchZip, overwrite: true);
        return folder[$"{name}.pth"];
    }

    // As for loads, later writes give the file another time.
    private static Checkpoint OpenSettled(string path)
    {
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(-1));
        return Checkpoint.Open(path);
    }

    // On Windows, no program can write to a file that a load has open. The weights must then be the original ones.
    private static void ApplyUnlessKeptOut(Change change, string path)
    {
        try
        {
            Apply(change, path);
        }
        catch (IOException) when (OperatingSystem.IsWindows() && change != Change.Replace)
        {
        }
    }

    private static void Apply(Change change, string path)
    {
        if (change == Change.Replace)
        {
            byte[] bytes = File.ReadAllBytes(path);
            bytes.AsSpan(bytes.Length / 4, bytes.Length / 2).Reverse();
            File.WriteAllBytes(path + ".new", bytes);
            // On Windows, the rename of .NET cannot replace an open file. Not every file system supports the other rename.
            if (!OperatingSystem.IsWindows() || !WindowsFiles.TryReplace(path + ".new", path))
            {
                File.Move(path + ".new", path, overwrite: true);
            }
            return;
        }
        // As for any program, opening waits until the processes that map the file have been notified.
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        if (change == Change.Truncate)
        {
            stream.SetLength(stream.Length / 3);
            return;
        }
        stream.Position = change == Change.Grow ? stream.Length : stream.Length / 2;
        stream.Write(new byte[4096]);
    }
}
