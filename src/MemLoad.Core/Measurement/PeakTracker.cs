using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Finds the peaks of host memory from periodic readings and from the kernel's high-water mark.
/// <para>
/// Two lower bounds of the anonymous and shared peak are known. One is the largest reading. The other comes from the mark, which the kernel
/// keeps of the whole resident set, including file-backed pages. At the moment of the mark, anonymous memory was <c>mark − file-backed
/// pages then</c>. So it was at least <c>mark − most file-backed pages since the mark was reset</c>. If file-backed pages did not change,
/// the second bound is exact, however short an allocation is.
/// </para>
/// <para>
/// File-backed pages do change while a mapped file is read: from a warm cache by tens of gigabytes per second. So the mark is reset
/// whenever they have changed by more than <see cref="LargestNoise"/>. Each bound then covers a period in which they hardly changed, or at
/// worst one interval between readings.
/// </para>
/// <para>
/// The most file-backed pages are known only from readings. A mapping that grew after a reading and was then removed must not count as
/// anonymous memory. So where file-backed pages changed, the mark counts only after one more reading. If they then fall, a mapping is being
/// removed, and the mark belongs to them. A mapping that is created and removed between two readings remains undetected.
/// </para>
/// </summary>
internal sealed class PeakTracker(IProcessMemory memory)
{
    /// <summary>Change in bytes up to which memory counts as constant.</summary>
    internal const long LargestNoise = 1 << 20;

    private long? _idleHost;
    private long? _idleFile;
    private long? _peakHost;
    private long? _peakFile;

    // The peaks that the latest mark would give, until the next reading decides which one it belongs to.
    private long? _pendingHost;
    private long? _pendingFile;

    // Since the last reset of the mark: the last value of the mark, and the ranges of the readings.
    private long _markSeen;
    private long _fileLow;
    private long _fileHigh;
    private long _hostHigh;

    /// <summary>Largest anonymous and shared memory, above idle.</summary>
    public long? PeakHostBytes => Above(Larger(_peakHost, _pendingHost), _idleHost);

    /// <summary>Most file-backed pages, above idle.</summary>
    public long? PeakHostFileBytes => Above(_peakFile, _idleFile);

    /// <summary>Records the current state as the idle process and starts tracking.</summary>
    public void Begin()
    {
        MemoryReading idle = ResetMark();
        _peakHost = _idleHost = idle.HostBytes;
        _peakFile = _idleFile = idle.FileBytes;
        _pendingHost = _pendingFile = null;
    }

    /// <summary>Takes one reading and updates the peaks.</summary>
    /// <returns>The reading, above idle.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MemoryReading Observe()
    {
        MemoryReading now = memory.Read();
        _peakHost = Larger(_peakHost, now.HostBytes);
        _peakFile = Larger(_peakFile, now.FileBytes);
        if (now is { HostBytes: long host, MarkBytes: long mark })
        {
            Attribute(mark, host, memory.MarkCoversFiles ? now.FileBytes ?? 0 : 0);
        }
        return now with { HostBytes = Above(now.HostBytes, _idleHost), FileBytes = Above(now.FileBytes, _idleFile) };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Attribute(long mark, long host, long file)
    {
        bool filesFell = file < _fileHigh - LargestNoise;
        bool hostFell = host < _hostHigh - LargestNoise;
        _fileHigh = Math.Max(_fileHigh, file);
        _fileLow = Math.Min(_fileLow, file);
        _hostHigh = Math.Max(_hostHigh, host);
        bool filesMoved = _fileHigh - _fileLow > LargestNoise;
        // A mark that has not increased has no information about this interval.
        bool risen = mark > _markSeen;
        _markSeen = Math.Max(_markSeen, mark);
        long? asHost = risen ? mark - _fileHigh : null;
        long? asFile = risen ? mark - _hostHigh : null;
        if (filesFell)
        {
            AddPendingToFiles();
            // If both fell, the mark cannot be attributed.
            _peakFile = hostFell ? _peakFile : Larger(_peakFile, asFile);
        }
        else if (filesMoved)
        {
            _peakHost = Larger(_peakHost, _pendingHost);
            (_pendingHost, _pendingFile) = (asHost, asFile);
        }
        else
        {
            _peakHost = Larger(Larger(_peakHost, _pendingHost), asHost);
            _pendingHost = _pendingFile = null;
        }
        if (filesMoved)
        {
            // On Linux, the reset waits for an unmapping in progress. This second reading shows whether the first reading took place during
            // the unmapping.
            MemoryReading after = ResetMark();
            _peakHost = Larger(_peakHost, after.HostBytes);
            if (after.FileBytes < file - LargestNoise)
            {
                AddPendingToFiles();
            }
        }
    }

    private void AddPendingToFiles()
    {
        _peakFile = Larger(_peakFile, _pendingFile);
        _pendingHost = _pendingFile = null;
    }

    private MemoryReading ResetMark()
    {
        memory.ResetMark();
        MemoryReading now = memory.Read();
        _markSeen = now.MarkBytes ?? 0;
        _hostHigh = now.HostBytes ?? 0;
        _fileLow = _fileHigh = memory.MarkCoversFiles ? now.FileBytes ?? 0 : 0;
        return now;
    }

    private static long? Larger(long? peak, long? value) => peak is null || value > peak ? value ?? peak : peak;

    private static long? Above(long? value, long? idle) => value is null || idle is null ? null : Math.Max(0, value.Value - idle.Value);
}
