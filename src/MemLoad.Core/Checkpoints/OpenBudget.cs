namespace MemLoad;

/// <summary>
/// Limits the memory that the headers of a checkpoint use while it is opened. Each header that is read grants memory in proportion to its
/// length. Memory is charged before it is allocated. Temporary memory is returned at once, so the peak is proportional to the headers. Time
/// is limited in the same way: work on data that exists already is charged as memory. One budget applies to all files of a checkpoint and
/// to several threads. Each file has its own counter and adds it to the total.
/// </summary>
internal sealed class OpenBudget
{
    private const long FreeMemory = 15 << 20; // one more MiB is for buffers and tables whose size does not depend on a file
    private const int MemoryPerHeaderByte = 8;
    private const long FreeExpansion = 1L << 30;
    private const long ExpansionPerByte = 1L << 10;
    private const int Settlement = 1 << 14;

    private readonly OpenBudget _whole;
    private long _pending;
    private long _headers;
    private long _memory;
    private long _files;
    private long _expanded;

    /// <summary>The budget of a checkpoint.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="remote">The connections, if the checkpoint is on a server.</param>
    public OpenBudget(OpenLimits limits, RemoteSession? remote = null)
    {
        Remote = remote;
        Limits = limits;
        _whole = this;
        _memory = -(limits.HeaderMemoryBytes ?? FreeMemory);
    }

    private OpenBudget(OpenBudget whole)
    {
        Remote = whole.Remote;
        Limits = whole.Limits;
        _whole = whole;
    }

    /// <summary>The bytes of a dictionary per name and value.</summary>
    public const int EntryBytes = 28;

    /// <summary>The bytes of a growing dictionary per entry, in total.</summary>
    public const int GrowingEntry = 4 * EntryBytes;

    /// <summary>The budget of a checkpoint that no file describes.</summary>
    public static OpenBudget Unlimited() => new(new OpenLimits { HeaderMemoryBytes = long.MaxValue, ExpandedBytes = long.MaxValue });

    /// <summary>The limits of the caller.</summary>
    public OpenLimits Limits { get; }

    /// <summary>The connections to the server that the checkpoint is on; null if it is in the file system.</summary>
    public RemoteSession? Remote { get; }

    /// <summary>Opens one file of the checkpoint.</summary>
    /// <param name="path">Its absolute path, or its address on the server.</param>
    /// <exception cref="MemLoadException">The rules of opening (ML1001 to ML1015), or of servers (ML52xx).</exception>
    public WholeFile Open(string path) => Remote is null ? CheckpointFileReader.Open(HubCache.Follow(path)) : Remote.Open(path);

    /// <summary>The counter of one file, for one thread.</summary>
    public OpenBudget OfFile() => new(_whole);

    /// <summary>Grants memory for a number of header bytes that were read.</summary>
    public void Grant(long headerBytes)
    {
        Interlocked.Add(ref _whole._headers, headerBytes);
        if (Limits.HeaderMemoryBytes is null)
        {
            Interlocked.Add(ref _whole._memory, -MemoryPerHeaderByte * headerBytes);
        }
    }

    /// <summary>Charges memory before it is allocated.</summary>
    /// <exception cref="MemLoadException">ML1013.</exception>
    public void Spend(long bytes, string path)
    {
        _pending += bytes;
        if (_pending >= Settlement)
        {
            Settle(path);
        }
    }

    /// <summary>The charge for hashing or comparing a text. A pickle can use one long text many times, with two bytes per use.</summary>
    public static long Hashing(int characters) => characters / 16;

    /// <summary>The charge for inspecting existing items: one byte per item.</summary>
    public static long Looking(int things) => things;

    /// <summary>The bytes of a string.</summary>
    public static long Text(int characters) => 32 + (2L * characters);

    /// <summary>Adds the pending charges of this file to the total. Called when the file is complete.</summary>
    /// <exception cref="MemLoadException">ML1013.</exception>
    public void Settle(string path)
    {
        long over = Interlocked.Add(ref _whole._memory, _pending);
        _pending = 0;
        if (over > 0)
        {
            long headers = Interlocked.Read(ref _whole._headers);
            long allowed = Limits.HeaderMemoryBytes ?? (FreeMemory + (MemoryPerHeaderByte * headers));
            throw Rules.HeaderMemory.Broken($"headers of {headers} bytes so far ask for more than {allowed} bytes of memory", path,
                remedy: $"{OpenLimits.Raise("header-memory", Math.Max(4 * allowed, FreeMemory))}.");
        }
    }

    /// <summary>Adds the length of a file. The limit for expanded views grows with it.</summary>
    public void AddFile(long length) => Interlocked.Add(ref _whole._files, length);

    /// <summary>Adds the bytes of an expanded view beyond its storage. Returns false if the sum exceeds the limit.</summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    public bool TryExpand(long bytes, out long total, out long allowed)
    {
        long files = Interlocked.Read(ref _whole._files);
        allowed = Limits.ExpandedBytes
            ?? (files > (long.MaxValue - FreeExpansion) / ExpansionPerByte ? long.MaxValue : FreeExpansion + (ExpansionPerByte * files));
        total = Interlocked.Add(ref _whole._expanded, Math.Min(bytes, long.MaxValue / 2));
        return total >= 0 && total <= allowed;
    }
}
