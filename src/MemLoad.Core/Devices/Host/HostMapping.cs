namespace MemLoad;

/// <summary>
/// One anonymous mapping with a reference count. Its holders are blocks of host memory, and their allocator while it adds blocks.
/// </summary>
internal sealed unsafe partial class HostMapping
{
    private const nint Failed = -1;
    private const long HugePage = 2 << 20;

    // For smaller ranges, the pages are created by the writes. A system call would not be faster.
    private const int LeastAskedFor = 16 << 10;

    private static readonly long Page = Environment.SystemPageSize;

    private readonly FreshPages _pages;
    private readonly nuint _bytes;
    private int _holders;
    private bool _isHuge;

    /// <summary>Maps zeroed memory.</summary>
    /// <exception cref="MemLoadException">ML7001: the system does not have enough memory.</exception>
    public HostMapping(long bytes, int holders, FreshPages pages)
    {
        _holders = holders;
        _pages = pages;
        _bytes = checked((nuint)((bytes + Page - 1) / Page * Page));
        if (OperatingSystem.IsWindows())
        {
            // The pages are zeroed and are created when they are touched. All of them are charged immediately.
            Address = Native.Commit(0, _bytes, Native.ReserveAndCommit, Native.PageReadWrite);
            if (Address == 0)
            {
                throw Exhausted(bytes);
            }
            return;
        }
        Address = bytes >= HugePage && pages.UseHugePages ? MapHuge(_bytes) : Failed;
        _isHuge = Address != Failed;
        if (!_isHuge)
        {
            Address = Map(_bytes);
            if (bytes >= HugePage)
            {
                Advise(Native.NoHugePage);
            }
        }
        if (Address == Failed)
        {
            throw Exhausted(bytes);
        }
    }

    public nint Address { get; }

    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>Removes a holder. The last holder frees the mapping. Earlier holders free the whole pages that only they used.</summary>
    public void Release((nint Address, long Bytes) vacant = default)
    {
        if (Interlocked.Decrement(ref _holders) > 0)
        {
            nint first = (vacant.Address + (nint)Page - 1) / (nint)Page * (nint)Page;
            nint end = (vacant.Address + (nint)vacant.Bytes) / (nint)Page * (nint)Page;
            if (end > first)
            {
                // On Windows, decommitted pages cannot be used again. This has no effect, because nothing is allocated at these addresses
                // again.
                _ = OperatingSystem.IsWindows() ? Native.Free(first, (nuint)(end - first), Native.Decommit)
                    : Native.Advise(first, (nuint)(end - first), Native.DontNeed);
            }
            return;
        }
        if (OperatingSystem.IsWindows())
        {
            _ = Native.Free(Address, 0, Native.ReleaseAll);
        }
        else
        {
            _ = Native.Unmap(Address, _bytes);
        }
    }

    /// <summary>
    /// Creates the pages of a range that will be overwritten, in the faster page size. Existing content stays, even if other threads write
    /// at the same time.
    /// </summary>
    public void Touch(nint address, int count)
    {
        if (count < LeastAskedFor || !OperatingSystem.IsLinux())
        {
            return;
        }
        nint end = address + count;
        if (_pages.UseHugePages)
        {
            for (nint at = (address + (nint)HugePage - 1) / (nint)HugePage * (nint)HugePage; at < end && _isHuge; at += (nint)HugePage)
            {
                long start = Native.ThreadNanoseconds();
                _ = Interlocked.CompareExchange(ref *(int*)at, 0, 0); // a write that changes nothing
                _pages.AddTime(Native.ThreadNanoseconds() - start);
            }
            return;
        }
        if (_isHuge)
        {
            _isHuge = false;
            Advise(Native.NoHugePage);
        }
        // One call creates all pages (Linux 5.14). On older kernels the writes create them.
        nint first = address / (nint)Page * (nint)Page;
        _ = Native.Advise(first, (nuint)(end - first), Native.PopulateWrite);
    }

    // Starts on a huge page. The page faults of the first use, which are most of the cost of fresh memory, are then 512 times fewer. The
    // extra range before that start is unmapped at once, because limits on address space and data count it.
    private static nint MapHuge(nuint length)
    {
        nint found = Map(checked(length + (nuint)HugePage));
        if (found == Failed)
        {
            return Failed;
        }
        nint mapping = (found + (nint)HugePage - 1) / (nint)HugePage * (nint)HugePage;
        nuint before = (nuint)(mapping - found);
        if (before > 0)
        {
            _ = Native.Unmap(found, before);
        }
        if (before < (nuint)HugePage)
        {
            _ = Native.Unmap(mapping + (nint)length, (nuint)HugePage - before);
        }
        if (OperatingSystem.IsLinux())
        {
            _ = Native.Advise(mapping, length, Native.HugePageWanted);
        }
        return mapping;
    }

    private static nint Map(nuint length) =>
        Native.Map(
            0, length, Native.ReadWrite, OperatingSystem.IsMacOS() ? Native.PrivateAnonymousMac : Native.PrivateAnonymousLinux, -1, 0);

    private static MemLoadException Exhausted(long bytes) =>
        Rules.HostMemoryExhausted.Broken($"the system refused {bytes} bytes of host memory");

    private void Advise(int advice)
    {
        if (OperatingSystem.IsLinux() && Address != Failed)
        {
            _ = Native.Advise(Address, _bytes, advice);
        }
    }

    private static partial class Native
    {
        public const int ReadWrite = 3;
        public const int PrivateAnonymousLinux = 0x22;
        public const int PrivateAnonymousMac = 0x1002;
        public const int DontNeed = 4;
        public const int HugePageWanted = 14;
        public const int NoHugePage = 15;
        public const int PopulateWrite = 23;
        public const uint ReserveAndCommit = 0x3000;
        public const uint PageReadWrite = 4;
        public const int Decommit = 0x4000;
        public const int ReleaseAll = 0x8000;

        private const int ThreadTime = 3; // CLOCK_THREAD_CPUTIME_ID

        /// <summary>Processor time of this thread, which does not include the time of other threads.</summary>
        public static long ThreadNanoseconds()
        {
            long* time = stackalloc long[2];
            return GetTime(ThreadTime, time) == 0 ? (time[0] * 1_000_000_000) + time[1] : 0;
        }

        [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
        public static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

        [LibraryImport("libc", EntryPoint = "munmap")]
        public static partial int Unmap(nint address, nuint length);

        [LibraryImport("libc", EntryPoint = "madvise")]
        public static partial int Advise(nint address, nuint length, int advice);

        [LibraryImport("kernel32", EntryPoint = "VirtualAlloc")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        public static partial nint Commit(nint address, nuint length, uint kind, uint protection);

        [LibraryImport("kernel32", EntryPoint = "VirtualFree")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        public static partial int Free(nint address, nuint length, int kind);

        [LibraryImport("libc", EntryPoint = "clock_gettime")]
        private static partial int GetTime(int clock, long* time);
    }
}
