using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Finds the peaks of host memory from readings taken now and then and from the kernel's high-water mark.
/// <para>
/// Two lower bounds of the anonymous and shared peak are known. One is the largest reading. The other comes from the mark, which the kernel
/// keeps of the whole resident set, file-backed pages included: at the moment of the mark anonymous memory was
/// <c>mark − file-backed pages then</c>, hence at least <c>mark − most file-backed pages since the mark was reset</c>. Where file-backed pages
/// stayed as they were, the second is exact: no allocation is too short-lived for it.
/// </para>
/// <para>
/// While a mapped file is being read in, file-backed pages do not stay as they were: from a warm cache they come at tens of gigabytes a second.
/// So the mark is reset whenever they have moved by more than <see cref="Slack"/>; each bound then spans a stretch in which they hardly moved,
/// or one interval between readings at worst.
/// </para>
/// <para>
/// And "most file-backed pages" is known from readings only. A mapping that grew on after a reading and then went must not pass for anonymous
/// memory. So where file-backed pages moved, the mark waits for one more reading before it counts: if they then fall, a mapping is being taken
/// down, and the mark is theirs. What remains unknowable is a mapping that comes and goes between two readings.
/// </para>
/// </summary>
internal sealed class PeakTracker(IProcessMemory memory)
{
    /// <summary>Change in bytes up to which memory counts as constant.</summary>
    internal const long Slack = 1 << 20;

    private long? _idleHost;
    private long? _idleFile;
    private long? _peakHost;
    private long? _peakFile;

    // What the latest mark would make of either peak, until the next reading decides between the two.
    private long? _pendingHost;
    private long? _pendingFile;

    // Since the mark was last reset: the mark as last seen, and the ranges that readings have seen.
    private long _markSeen;
    private long _fileLow;
    private long _fileHigh;
    private long _hostHigh;

    /// <summary>Largest anonymous and shared memory, above idle.</summary>
    public long? PeakHostBytes => Above(Larger(_peakHost, _pendingHost), _idleHost);

    /// <summary>Most file-backed pages, above idle.</summary>
    public long? PeakHostFileBytes => Above(_peakFile, _idleFile);

    /// <summary>Takes the present state as the idle process and begins.</summary>
    public void Begin()
    {
        MemoryReading idle = ResetMark();
        _peakHost = _idleHost = idle.HostBytes;
        _peakFile = _idleFile = idle.FileBytes;
        _pendingHost = _pendingFile = null;
    }

    /// <summary>Takes one reading and accounts for it.</summary>
    /// <returns>The reading, above idle.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MemoryReading Observe()
    {
        MemoryReading now = memory.Read();
        _peakHost = Larger(_peakHost, now.HostBytes);
        _peakFile = Larger(_peakFile, now.FileBytes);
        if (now is { HostBytes: long host, MarkBytes: long mark })
        {
            Weigh(mark, host, memory.MarkCoversFiles ? now.FileBytes ?? 0 : 0);
        }
        return now with { HostBytes = Above(now.HostBytes, _idleHost), FileBytes = Above(now.FileBytes, _idleFile) };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Weigh(long mark, long host, long file)
    {
        bool filesFell = file < _fileHigh - Slack;
        bool hostFell = host < _hostHigh - Slack;
        _fileHigh = Math.Max(_fileHigh, file);
        _fileLow = Math.Min(_fileLow, file);
        _hostHigh = Math.Max(_hostHigh, host);
        bool filesMoved = _fileHigh - _fileLow > Slack;
        // A mark that has not risen says nothing about this interval.
        bool risen = mark > _markSeen;
        _markSeen = Math.Max(_markSeen, mark);
        long? asHost = risen ? mark - _fileHigh : null;
        long? asFile = risen ? mark - _hostHigh : null;
        if (filesFell)
        {
            GivePendingToFiles();
            // If both fell, nobody knows whose the mark was.
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
            // Linux lets the reset wait for an unmapping under way, so this second look shows whether the first one fell in the middle of it.
            MemoryReading after = ResetMark();
            _peakHost = Larger(_peakHost, after.HostBytes);
            if (after.FileBytes < file - Slack)
            {
                GivePendingToFiles();
            }
        }
    }

    private void GivePendingToFiles()
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
