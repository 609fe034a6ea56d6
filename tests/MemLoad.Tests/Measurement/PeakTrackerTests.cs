using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Measurement;

/// <summary>The arithmetic of peaks, for a simulated process with known figures.</summary>
public sealed class PeakTrackerTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void With_constant_file_pages_the_peak_is_exact_wherever_the_readings_fall() =>
        Check(steps: Changes(files: false), (process, tracker) => tracker.PeakHostBytes == process.TruePeak);

    [Fact]
    public void File_pages_that_appear_or_disappear_between_readings_never_count_as_host_memory() =>
        Check(steps: Changes(files: true), (process, tracker) =>
            tracker.PeakHostBytes <= process.TruePeak && tracker.PeakHostBytes >= process.LargestReading);

    [Fact]
    public void A_mark_that_cannot_be_reset_does_not_count_earlier_peaks()
    {
        var process = new InventedProcess { CanReset = false };
        process.Change(1000 * MiB, 0);
        process.Change(-1000 * MiB, 0);
        var tracker = new PeakTracker(process);
        tracker.Begin();
        process.Change(10 * MiB, 0);
        tracker.Observe();
        process.Change(-10 * MiB, 0);
        tracker.Observe();
        Assert.Equal(10 * MiB, tracker.PeakHostBytes);

        // Above the old mark, the mark has information again.
        process.Change(2000 * MiB, 0);
        process.Change(-2000 * MiB, 0);
        tracker.Observe();
        Assert.Equal(2000 * MiB, tracker.PeakHostBytes);
    }

    [Fact]
    public void A_mapping_that_grew_between_readings_before_its_removal_is_file_backed_memory()
    {
        var process = new InventedProcess();
        var tracker = new PeakTracker(process);
        tracker.Begin();
        process.Change(0, 100 * MiB);
        tracker.Observe();
        process.Change(0, 50 * MiB);
        process.Change(0, -150 * MiB);
        tracker.Observe();
        Assert.Equal(0, tracker.PeakHostBytes);
        Assert.Equal(150 * MiB, tracker.PeakHostFileBytes);
    }

    [Fact]
    public void A_mapping_that_is_read_during_its_removal_is_file_backed_memory() =>
        Prop.ForAll(Gen.Choose(2, 1000).ListOf().ToArbitrary(), Gen.Choose(0, 98).ToArbitrary(), Gen.Elements(true, false).ToArbitrary(),
            (heights, percent, canReset) =>
            {
                var process = new InventedProcess { CanReset = canReset };
                var tracker = new PeakTracker(process);
                tracker.Begin();
                process.Begin();
                foreach (int height in heights.Order())
                {
                    // The mapping is read within one interval. The next reading takes place during the unmapping, which a reset waits for,
                    // and another reading follows. The remaining pages must exceed the noise. Otherwise no reading shows the mapping.
                    long left = Math.Max(height * MiB * percent / 100, 2 * MiB);
                    process.Change(0, height * MiB);
                    process.Change(0, left - (height * MiB));
                    process.Unmapping = left;
                    tracker.Observe();
                    process.FinishUnmapping();
                    tracker.Observe();
                }
                return tracker.PeakHostBytes == 0 && tracker.PeakHostFileBytes == heights.Append(0).Max() * MiB;
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_block_stays_host_memory_when_a_mapping_is_removed()
    {
        var process = new InventedProcess();
        var tracker = new PeakTracker(process);
        tracker.Begin();
        process.Change(0, 100 * MiB);
        tracker.Observe();
        process.Change(30 * MiB, 0);
        process.Change(-30 * MiB, 0);
        tracker.Observe();
        process.Change(0, -100 * MiB);
        tracker.Observe();
        Assert.Equal(30 * MiB, tracker.PeakHostBytes);
        Assert.Equal(100 * MiB, tracker.PeakHostFileBytes);
    }

    [Fact]
    public void A_block_is_seen_even_if_it_comes_and_goes_while_a_file_is_mapped_in()
    {
        var process = new InventedProcess();
        var tracker = new PeakTracker(process);
        tracker.Begin();
        for (int i = 0; i < 100; i++)
        {
            if (i == 50)
            {
                process.Change(500 * MiB, 0);
                process.Change(-500 * MiB, 0);
            }
            process.Change(0, 10 * MiB);
            tracker.Observe();
        }
        // The error is at most the file pages of one interval.
        Assert.InRange(tracker.PeakHostBytes!.Value, 490 * MiB, 500 * MiB);
        Assert.Equal(1000 * MiB, tracker.PeakHostFileBytes);
    }

    [Fact]
    public void A_platform_without_figures_leaves_all_figures_unknown()
    {
        var tracker = new PeakTracker(new InventedProcess { Mute = true });
        tracker.Begin();
        Assert.Equal(default, tracker.Observe());
        Assert.Null(tracker.PeakHostBytes);
        Assert.Null(tracker.PeakHostFileBytes);
    }

    /// <summary>
    /// Returns the periods between readings, with changes of host memory and of file pages (multiples of 16 KiB). In one period, file pages
    /// only grow or only shrink.
    /// </summary>
    private static Gen<(long Host, long File)[][]> Changes(bool files)
    {
        Gen<(long, long)[]> stretch =
            from growing in Gen.Elements(true, false)
            from changes in Gen.Choose(-200, 200)
                .Zip(Gen.Choose(0, files ? 200 : 0), (host, file) => (host * 4096L, file * 16384L))
                .ArrayOf()
            select changes.Select(c => (c.Item1, growing ? c.Item2 : -c.Item2)).ToArray();
        return stretch.ArrayOf();
    }

    private static void Check(Gen<(long Host, long File)[][]> steps, Func<InventedProcess, PeakTracker, bool> holds) =>
        Prop.ForAll(steps.ToArbitrary(), Gen.Elements(true, false).ToArbitrary(), (stretches, canReset) =>
        {
            var process = new InventedProcess { CanReset = canReset };
            var tracker = new PeakTracker(process);
            process.Change(10 * MiB, 10 * MiB);
            tracker.Begin();
            process.Begin();
            foreach ((long Host, long File)[] stretch in stretches)
            {
                foreach ((long host, long file) in stretch)
                {
                    process.Change(host, file);
                }
                tracker.Observe();
            }
            return holds(process, tracker);
        }).QuickCheckThrowOnFailure();

    /// <summary>A process with a known peak, whose kernel keeps an exact mark.</summary>
    private sealed class InventedProcess : IProcessMemory
    {
        private long _host;
        private long _file;
        private long _mark;
        private long _idle;
        private long _peak;
        private long _read;

        public bool CanReset { get; init; } = true;

        public bool Mute { get; init; }

        public long TruePeak => _peak - _idle;

        public long LargestReading => _read - _idle;

        public bool MarkCoversFiles => true;

        public void Begin() => _idle = _peak = _read = _host;

        public void Change(long host, long file)
        {
            _host = Math.Max(0, _host + host);
            _file = Math.Max(0, _file + file);
            _mark = Math.Max(_mark, _host + _file);
            _peak = Math.Max(_peak, _host);
        }

        public MemoryReading Read()
        {
            _read = Math.Max(_read, _host);
            return Mute ? default : new MemoryReading(_host, _file, _mark);
        }

        /// <summary>The file pages that a call in progress will release.</summary>
        public long Unmapping { get; set; }

        public void FinishUnmapping()
        {
            Change(0, -Unmapping);
            Unmapping = 0;
        }

        public bool ResetMark()
        {
            if (CanReset)
            {
                FinishUnmapping();
            }
            _mark = CanReset ? _host + _file : _mark;
            return CanReset;
        }

        public ProcessCounters ReadCounters() => default;

        public void Dispose()
        {
        }
    }
}
