using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// The memory of another process and of all processes that it starts, from procfs (proc(5)). A process belongs to the tree as long as it
/// exists, also after its parent has ended. Every figure is 0 until <see cref="Follow"/>.
/// </summary>
/// <remarks>
/// <para>
/// The sums of <c>Rss…</c> count a page once for each process that shares it. They are therefore upper bounds. The exact figures
/// (<c>Pss_…</c> of <c>smaps_rollup</c>) take longer to read. They are read only if a sum exceeds every earlier figure.
/// </para>
/// <para>
/// A process that was just created can run in the memory of its parent for a moment (vfork(2)). It is recognised (kcmp(2)) and not counted.
/// </para>
/// </remarks>
internal sealed partial class LinuxTreeMemory : IProcessMemory
{
    private readonly Dictionary<int, Member> _members = [];
    private readonly byte[] _text = new byte[16 * 1024];
    private ProcessCounters _ended;
    private long _highestHost;
    private long _highestFile;
    private bool _wasOne = true;

    public bool MarkCoversFiles => true;

    /// <summary>The processes that exist.</summary>
    public IReadOnlyCollection<int> Processes
    {
        get
        {
            lock (_members)
            {
                return [.. _members.Keys];
            }
        }
    }

    /// <summary>Begins with the first process of the tree.</summary>
    public void Follow(int id)
    {
        lock (_members)
        {
            Add(id, null);
        }
    }

    /// <summary>Kills all processes of the tree.</summary>
    public void Kill()
    {
        _ = Read(); // finds the processes that have started or ended since the last sample
        foreach (int id in Processes)
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
            {
                // The process has ended already.
            }
        }
    }

    public MemoryReading Read()
    {
        lock (_members)
        {
            Discover();
            Usage sum = Sum(exact: false);
            if (_members.Count > 1)
            {
                _wasOne = false;
                if (sum.Host > _highestHost || sum.File > _highestFile)
                {
                    sum = Exact(sum);
                }
            }
            _highestHost = Math.Max(_highestHost, sum.Host);
            _highestFile = Math.Max(_highestFile, sum.File);
            // The mark is of one process, so it is that of the tree only as long as there was one.
            return new MemoryReading(sum.Host, sum.File, _wasOne ? sum.Mark : null);
        }
    }

    public bool ResetMark()
    {
        lock (_members)
        {
            try
            {
                foreach (int id in _members.Keys)
                {
                    File.WriteAllText($"/proc/{id}/clear_refs", "5");
                }
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>The sums over all processes of the tree, those that have ended included.</summary>
    public ProcessCounters ReadCounters()
    {
        lock (_members)
        {
            return _members.Values.Aggregate(_ended, (sum, member) => Added(sum, member.Counters));
        }
    }

    public void Dispose()
    {
        lock (_members)
        {
            foreach (Member member in _members.Values)
            {
                member.Dispose();
            }
            _members.Clear();
        }
    }

    private void Add(int id, Member? parent)
    {
        if (!_members.ContainsKey(id) && Member.TryOpen(id, parent) is Member member)
        {
            _members.Add(id, member);
        }
    }

    // Children are listed per thread that created them.
    private void Discover()
    {
        var open = new Queue<Member>(_members.Values);
        while (open.TryDequeue(out Member? member))
        {
            foreach (int id in member.Children().Where(id => !_members.ContainsKey(id)))
            {
                Add(id, member);
                if (_members.TryGetValue(id, out Member? child))
                {
                    open.Enqueue(child);
                }
            }
        }
    }

    // The processes are read one after the other. A process can end or start another program during the reading. Its share of common pages
    // then belongs to the others, and later readings count it again. Such a reading is not a new maximum.
    private Usage Exact(Usage before)
    {
        int count = _members.Count;
        Usage exact = Sum(exact: true);
        Usage after = Sum(exact: false);
        bool isSteady = _members.Count >= count && after.Host >= before.Host - PeakTracker.LargestNoise;
        return isSteady ? exact : new Usage(Math.Min(exact.Host, _highestHost), Math.Min(exact.File, _highestFile), null);
    }

    private Usage Sum(bool exact)
    {
        Usage sum = default;
        foreach (Member member in _members.Values.ToArray())
        {
            Usage? usage = exact ? member.ReadExact() ?? member.Read(_text) : member.Read(_text);
            if (usage is not Usage own)
            {
                _ended = Added(_ended, member.Counters);
                member.Dispose();
                _members.Remove(member.Id);
            }
            else if (!member.RunsInMemoryOfParent())
            {
                sum = new Usage(sum.Host + own.Host, sum.File + own.File, own.Mark);
            }
        }
        return sum;
    }

    private static ProcessCounters Added(ProcessCounters one, ProcessCounters other) => new(
        (one.MajorFaults ?? 0) + (other.MajorFaults ?? 0), (one.ReadBytes ?? 0) + (other.ReadBytes ?? 0));

    private readonly record struct Usage(long Host, long File, long? Mark);

    /// <summary>One process. Its open files are of this process, also if its number is used again.</summary>
    private sealed partial class Member : IDisposable
    {
        private const int SameMemory = 1; // KCMP_VM
        private readonly Member? _parent;
        private readonly SafeFileHandle _status;
        private readonly SafeFileHandle? _stat;
        private readonly SafeFileHandle? _io;
        private bool _hasOwnMemory;

        private Member(int id, Member? parent, SafeFileHandle status)
        {
            (Id, _parent, _status) = (id, parent, status);
            _stat = TextFile.TryOpen($"/proc/{id}/stat");
            _io = TextFile.TryOpen($"/proc/{id}/io");
            _hasOwnMemory = parent is null;
        }

        public int Id { get; }

        /// <summary>The last figures of the process.</summary>
        public ProcessCounters Counters { get; private set; }

        public static Member? TryOpen(int id, Member? parent) =>
            TextFile.TryOpen($"/proc/{id}/status") is SafeFileHandle status ? new Member(id, parent, status) : null;

        public IEnumerable<int> Children()
        {
            string[] threads;
            try
            {
                threads = Directory.GetDirectories($"/proc/{Id}/task");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return [];
            }
            return threads
                .SelectMany(thread => (TextFile.TryRead(thread + "/children") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(id => int.Parse(id, NumberStyles.None, CultureInfo.InvariantCulture));
        }

        /// <summary>Reads the resident set; null if the process has ended. A process that waits for its parent has none.</summary>
        public Usage? Read(byte[] text)
        {
            if (TextFile.TryRead(_status, text) is not int length)
            {
                return null;
            }
            MemoryReading reading = LinuxProcessMemory.Parse(text.AsSpan(0, length));
            Counters = new ProcessCounters(
                LinuxProcessMemory.MajorFaultsOf(TextOf(_stat, text)) ?? Counters.MajorFaults,
                TextFile.Field(TextOf(_io, text), "read_bytes:") ?? Counters.ReadBytes);
            return new Usage(reading.HostBytes ?? 0, reading.FileBytes ?? 0, reading.MarkBytes);
        }

        /// <summary>Reads its part of the pages, if all processes that share a page divide it; null if it is not known.</summary>
        public Usage? ReadExact()
        {
            string? text = TextFile.TryRead($"/proc/{Id}/smaps_rollup");
            return TextFile.Field(text, "Pss_Anon:") + TextFile.Field(text, "Pss_Shmem:") is long host
                && TextFile.Field(text, "Pss_File:") is long file
                ? new Usage(checked(host * 1024), checked(file * 1024), null)
                : null;
        }

        /// <summary>
        /// Whether this process still runs the program of its parent. After it has started another program, it never shares memory again.
        /// </summary>
        public bool RunsInMemoryOfParent()
        {
            _hasOwnMemory = _hasOwnMemory || Compare(CompareCall, Id, _parent!.Id, SameMemory, 0, 0) != 0;
            return !_hasOwnMemory;
        }

        public void Dispose()
        {
            _status.Dispose();
            _stat?.Dispose();
            _io?.Dispose();
        }

        // The number of kcmp(2), for which libc has no function.
        private static nint CompareCall => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 312 : 272;

        private static string? TextOf(SafeFileHandle? file, byte[] text) =>
            TextFile.TryRead(file, text) is int length ? Encoding.UTF8.GetString(text, 0, length) : null;

        [LibraryImport("libc", EntryPoint = "syscall")]
        private static partial nint Compare(nint number, nint first, nint second, nint kind, nint firstIndex, nint secondIndex);
    }
}
