using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Measures the host memory of this process during some work. Start it immediately before the work, and stop it immediately after. In
/// between it neither allocates managed memory nor collects garbage. Its own thread takes a sample every 5 ms. Use one probe at a time: on
/// Linux the kernel has a single high-water mark per process, and each probe resets it.
/// </summary>
/// <remarks>
/// Short-lived memory is measured if the system keeps a high-water mark (see <see cref="ProbeResult.PeakHostBytes"/>). The mark does not
/// distinguish anonymous memory from file-backed pages, but samples do. Call <see cref="Mark(string, bool, int)"/> with <c>sampleNow</c>
/// immediately before mapped memory is freed. Otherwise a mapping that existed for less than 5 ms may count as anonymous memory.
/// </remarks>
internal sealed class MemoryProbe : IDisposable
{
    private const int SampleCapacity = 16 * 1024;
    private const int SamplerStackBytes = 256 * 1024;
    private static readonly TimeSpan SamplingInterval = TimeSpan.FromMilliseconds(5);
    private static readonly long MarkSpacing = Stopwatch.Frequency / 1000;

    private readonly IProcessMemory _memory;
    private readonly PeakTracker _tracker;
    private readonly SampleBuffer _samples;
    private readonly Lock _sampling = new();
    private readonly Lock _stopping = new();
    private readonly ManualResetEvent _stop = new(false);
    private readonly ManualResetEvent _samplerReady = new(false);
    private readonly TimeSpan _interval;
    private Thread? _sampler;
    private Func<long>? _deviceBytes;
    private ProcessCounters _countersAtStart;
    private ProbeResult? _result;
    private string? _phase;
    private int _step = -1;
    private long _startedAt;
    private long _sampledAt;
    private bool _running;

    private MemoryProbe(IProcessMemory memory, Func<long>? deviceBytes, int capacity, TimeSpan interval)
    {
        _memory = memory;
        _tracker = new PeakTracker(memory);
        _interval = interval;
        _samples = new SampleBuffer(capacity, (long)interval.TotalMicroseconds);
        _deviceBytes = deviceBytes;
        if (interval > TimeSpan.Zero)
        {
            _sampler = new Thread(SampleUntilStopped, SamplerStackBytes) { IsBackground = true, Name = "MemLoad memory probe" };
        }
    }

    /// <summary>Measures the idle baseline, resets the system's high-water mark if it can be reset, and starts sampling.</summary>
    /// <param name="deviceBytes">Returns the bytes that a device has allocated now. Other threads call it, also while the work holds its
    /// own locks: it must be fast and must not wait. If it throws, there are no more device figures.</param>
    public static MemoryProbe Start(Func<long>? deviceBytes = null) => Start(ProcessMemory.Open(), deviceBytes);

    /// <summary>Starts a probe on any source of figures. With an interval of zero, only marked samples are taken.</summary>
    internal static MemoryProbe Start(IProcessMemory memory, Func<long>? deviceBytes, int capacity = SampleCapacity,
        TimeSpan? interval = null, Action<Thread>? startThread = null)
    {
        var probe = new MemoryProbe(memory, deviceBytes, capacity, interval ?? SamplingInterval);
        probe.Begin(startThread ?? (thread => thread.Start()));
        return probe;
    }

    /// <summary>Names the phase of the following work. The call is cheap. It takes a sample if the last one is older than 1 ms.</summary>
    /// <param name="phase">The name of the phase. It is kept without a copy: pass an existing string.</param>
    /// <param name="sampleNow">True to always take a sample, which takes tens of microseconds.</param>
    /// <param name="step">Index of the plan's next step, which the samples then have; -1 for none.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Mark(string phase, bool sampleNow = false, int step = -1)
    {
        Volatile.Write(ref _step, step);
        Volatile.Write(ref _phase, phase);
        if (sampleNow || Stopwatch.GetTimestamp() - Volatile.Read(ref _sampledAt) >= MarkSpacing)
        {
            Sample(mustSample: sampleNow, keep: sampleNow);
        }
    }

    /// <summary>Takes the last sample and ends the measurement. A second call returns the same result.</summary>
    public ProbeResult Stop()
    {
        lock (_stopping)
        {
            if (_result is not null)
            {
                return _result;
            }
            // Memory is read first, before anything is allocated.
            MemoryReading last = Sample(mustSample: true, keep: true);
            long elapsed = ElapsedMicroseconds(_sampledAt);
            lock (_sampling)
            {
                _running = false;
            }
            _stop.Set();
            _sampler?.Join();
            ProcessCounters counters = _memory.ReadCounters();
            _memory.Dispose();
            _stop.Dispose();
            _samplerReady.Dispose();
            _deviceBytes = null;
            return _result = new ProbeResult
            {
                PeakHostBytes = _tracker.PeakHostBytes,
                PeakHostFileBytes = _tracker.PeakHostFileBytes,
                FinalHostBytes = last.HostBytes,
                MajorFaults = Since(counters.MajorFaults, _countersAtStart.MajorFaults),
                ReadBytes = Since(counters.ReadBytes, _countersAtStart.ReadBytes),
                ElapsedMicroseconds = elapsed,
                Samples = _samples.ToArray(),
            };
        }
    }

    /// <summary>Stops the probe if it is running.</summary>
    public void Dispose() => Stop();

    private void Begin(Action<Thread> startThread)
    {
        // All one-time costs occur before the baseline: the thread, the compiled code, the buffers.
        if (_sampler is not null)
        {
            try
            {
                startThread(_sampler);
                _samplerReady.WaitOne();
            }
            catch (OutOfMemoryException)
            {
                _sampler = null; // a container or a user can be limited to fewer threads, and marks take samples, too
            }
        }
        WarmUpCode();
        _countersAtStart = _memory.ReadCounters();
        long? device = AskDevice();
        lock (_sampling)
        {
            _tracker.Begin();
            _startedAt = _sampledAt = Stopwatch.GetTimestamp();
            MemoryReading first = _tracker.Observe();
            _samples.Add(new MemorySample(0, first.HostBytes, first.FileBytes, device, null), keep: true);
            _running = true;
        }
    }

    private void WarmUpCode()
    {
        var samples = new SampleBuffer(4, 1);
        for (int i = 0; i < 8; i++)
        {
            samples.Add(default, keep: true);
        }
        Mark("", sampleNow: true);
        _phase = null;
        _ = ElapsedMicroseconds(Stopwatch.GetTimestamp());
        lock (_sampling)
        {
            _tracker.Begin();
            _tracker.Observe();
            _ = _tracker.PeakHostBytes;
        }
    }

    private void SampleUntilStopped()
    {
        Sample(mustSample: false, keep: false);
        _stop.WaitOne(0);
        _samplerReady.Set();
        while (!_stop.WaitOne(_interval))
        {
            Sample(mustSample: false, keep: false);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private MemoryReading Sample(bool mustSample, bool keep)
    {
        // Called outside the lock: the device may have its own lock, held by work that is about to mark.
        long? device = AskDevice();
        if (mustSample)
        {
            _sampling.Enter();
        }
        else if (!_sampling.TryEnter())
        {
            return default; // Another thread is taking this sample.
        }
        try
        {
            if (!_running)
            {
                return default;
            }
            MemoryReading now = _tracker.Observe();
            long timestamp = Stopwatch.GetTimestamp();
            Volatile.Write(ref _sampledAt, timestamp);
            _samples.Add(
                new MemorySample(ElapsedMicroseconds(timestamp), now.HostBytes, now.FileBytes, device, Volatile.Read(ref _phase),
                    Volatile.Read(ref _step)), keep);
            return now;
        }
        finally
        {
            _sampling.Exit();
        }
    }

    private long? AskDevice()
    {
        try
        {
            return _deviceBytes?.Invoke();
        }
#pragma warning disable CA1031 // No exception of a device may end the process from the sampling thread.
        catch (Exception)
#pragma warning restore CA1031
        {
            _deviceBytes = null;
            return null;
        }
    }

    private long ElapsedMicroseconds(long timestamp) => (long)Stopwatch.GetElapsedTime(_startedAt, timestamp).TotalMicroseconds;

    private static long? Since(long? now, long? start) => now is null || start is null ? null : Math.Max(0, now.Value - start.Value);
}
