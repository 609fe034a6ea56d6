namespace MemLoad;

/// <summary>
/// Counts, while a checkpoint is opened, what its headers make us keep against how long they are. Each header that is read grants memory, whatever is
/// made of it is charged before it is made, what goes again at once is given back: so the peak stays in proportion. Time is bounded alike: work on what
/// is there already, which no byte of a file pays for, is charged as if it took memory. One budget serves all files of a checkpoint, from several threads; each file counts in its own and settles with the whole.
/// </summary>
internal sealed class OpenBudget
{
    private const long FreeMemory = 15 << 20; // and a MiB for buffers and tables whose size no file decides
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
    public OpenBudget(OpenLimits limits)
    {
        Limits = limits;
        _whole = this;
        _memory = -(limits.HeaderMemoryBytes ?? FreeMemory);
    }

    private OpenBudget(OpenBudget whole)
    {
        Limits = whole.Limits;
        _whole = whole;
    }

    /// <summary>What a dictionary takes for each name and value.</summary>
    public const int EntryBytes = 28;

    /// <summary>What a dictionary that grows takes for each, all in all.</summary>
    public const int GrowingEntry = 4 * EntryBytes;

    /// <summary>For a checkpoint that no file describes.</summary>
    public static OpenBudget Unlimited() => new(new OpenLimits { HeaderMemoryBytes = long.MaxValue, ExpandedBytes = long.MaxValue });

    /// <summary>The limits that the caller set.</summary>
    public OpenLimits Limits { get; }

    /// <summary>The counter of one file, for one thread.</summary>
    public OpenBudget OfFile() => new(_whole);

    /// <summary>Notes that so many bytes of headers were read.</summary>
    public void Grant(long headerBytes)
    {
        Interlocked.Add(ref _whole._headers, headerBytes);
        if (Limits.HeaderMemoryBytes is null)
        {
            Interlocked.Add(ref _whole._memory, -MemoryPerHeaderByte * headerBytes);
        }
    }

    /// <summary>Charges memory that is about to be taken.</summary>
    /// <exception cref="MemLoadException">ML1013.</exception>
    public void Spend(long bytes, string path)
    {
        _pending += bytes;
        if (_pending >= Settlement)
        {
            Settle(path);
        }
    }

    /// <summary>What is charged for hashing a text, or comparing it: a pickle may use one long text again and again, two bytes each time.</summary>
    public static long Hashing(int characters) => characters / 16;

    /// <summary>What is charged for looking at things that are there already: a byte for each.</summary>
    public static long Looking(int things) => things;

    /// <summary>What a string takes.</summary>
    public static long Text(int characters) => 32 + (2L * characters);

    /// <summary>Charges the whole with what this file has pending: when it is done.</summary>
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
                remedy: $"{OpenLimits.Raise("header-memory", 4 * allowed)}.");
        }
    }

    /// <summary>Notes the length of a file: expanded views may be the larger for it.</summary>
    public void AddFile(long length) => Interlocked.Add(ref _whole._files, length);

    /// <summary>Adds what an expanded view has beyond its storage; false if all of them together are out of proportion.</summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    public bool TryExpand(long bytes, out long total, out long allowed)
    {
        long files = Interlocked.Read(ref _whole._files);
        allowed = Limits.ExpandedBytes ?? (files > (long.MaxValue - FreeExpansion) / ExpansionPerByte ? long.MaxValue : FreeExpansion + (ExpansionPerByte * files));
        total = Interlocked.Add(ref _whole._expanded, Math.Min(bytes, long.MaxValue / 2));
        return total >= 0 && total <= allowed;
    }
}
