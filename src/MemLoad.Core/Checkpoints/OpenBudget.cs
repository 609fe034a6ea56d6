namespace MemLoad;

/// <summary>
/// Limits the memory that the headers of a checkpoint use while it is opened. Each header that is read grants memory in proportion to its
/// length. Memory is charged before it is allocated. Temporary memory is returned at once, so the peak is proportional to the headers. Time
/// is limited in the same way: work on data that exists already is charged as memory. One budget applies to all files of a checkpoint and
/// to several threads. Each file has its own <see cref="FileBudget"/>.
/// </summary>
/// <param name="limits">The limits of the caller.</param>
/// <param name="remote">The connections, if the checkpoint is on a server.</param>
internal sealed class OpenBudget(OpenLimits limits, RemoteSession? remote = null)
{
    private const long FreeMemory = 15 << 20; // one more MiB is for buffers and tables whose size does not depend on a file
    private const int MemoryPerHeaderByte = 8;
    private const long FreeExpansion = 1L << 30;
    private const long ExpansionPerByte = 1L << 10;

    private long _memory = -(limits.HeaderMemoryBytes ?? FreeMemory);
    private long _headers;
    private long _files;
    private long _expanded;

    /// <summary>The limits of the caller.</summary>
    public OpenLimits Limits => limits;

    /// <summary>The connections to the server that the checkpoint is on; null if it is in the file system.</summary>
    public RemoteSession? Remote => remote;

    /// <summary>Opens one file of the checkpoint.</summary>
    /// <param name="path">Its absolute path, or its address on the server.</param>
    /// <exception cref="MemLoadException">The rules of opening (ML1001 to ML1015), or of servers (ML52xx).</exception>
    public WholeFile Open(string path) => remote is null ? CheckpointFileReader.Open(HubCache.Follow(path)) : remote.Open(path);

    /// <summary>The budget of one file, for one thread.</summary>
    public FileBudget OfFile(string path) => new(this, path);

    /// <summary>Grants memory for a number of header bytes that were read.</summary>
    public void Grant(long headerBytes)
    {
        Interlocked.Add(ref _headers, headerBytes);
        if (limits.HeaderMemoryBytes is null)
        {
            Interlocked.Add(ref _memory, -MemoryPerHeaderByte * headerBytes);
        }
    }

    /// <summary>Charges memory that a file uses.</summary>
    /// <exception cref="MemLoadException">ML1013.</exception>
    public void Spend(long bytes, string path)
    {
        if (Interlocked.Add(ref _memory, bytes) > 0)
        {
            long headers = Interlocked.Read(ref _headers);
            long allowed = limits.HeaderMemoryBytes ?? (FreeMemory + (MemoryPerHeaderByte * headers));
            throw Rules.HeaderMemory.Broken($"headers of {headers} bytes so far require more than {allowed} bytes of memory", path,
                remedy: $"{OpenLimits.Raise("header-memory", Math.Max(4 * allowed, FreeMemory))}.");
        }
    }

    /// <summary>Adds the length of a file. The limit for expanded views grows with it.</summary>
    public void AddFile(long length) => Interlocked.Add(ref _files, length);

    /// <summary>Adds the bytes of an expanded view beyond its storage. Returns false if the sum exceeds the limit.</summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    public bool TryExpand(long bytes, out long total, out long allowed)
    {
        long files = Interlocked.Read(ref _files);
        allowed = limits.ExpandedBytes
            ?? (files > (long.MaxValue - FreeExpansion) / ExpansionPerByte ? long.MaxValue : FreeExpansion + (ExpansionPerByte * files));
        total = Interlocked.Add(ref _expanded, Math.Min(bytes, long.MaxValue / 2));
        return total >= 0 && total <= allowed;
    }
}
