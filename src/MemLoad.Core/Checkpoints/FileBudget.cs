namespace MemLoad;

/// <summary>
/// The part of an <see cref="OpenBudget"/> that one file uses, on one thread. It adds its charges to the total in portions.
/// </summary>
/// <param name="whole">The budget of the checkpoint.</param>
/// <param name="path">The file, for errors.</param>
internal sealed class FileBudget(OpenBudget whole, string path)
{
    /// <summary>The bytes of a dictionary per name and value.</summary>
    public const int EntryBytes = 28;

    /// <summary>The bytes of a growing dictionary per entry, in total.</summary>
    public const int GrowingEntry = 4 * EntryBytes;

    private const int Settlement = 1 << 14;

    private long _pending;

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>The budget of the checkpoint.</summary>
    public OpenBudget Whole => whole;

    /// <summary>The limits of the caller.</summary>
    public OpenLimits Limits => whole.Limits;

    /// <summary>The budget of a file that is read alone, with the limits of the environment.</summary>
    /// <exception cref="MemLoadException">ML1014.</exception>
    public static FileBudget Alone(string path) => new OpenBudget(OpenLimits.FromEnvironment()).OfFile(path);

    /// <summary>A budget for text that no limit applies to.</summary>
    public static FileBudget Unlimited(string path = "") =>
        new OpenBudget(new OpenLimits { HeaderMemoryBytes = long.MaxValue, ExpandedBytes = long.MaxValue }).OfFile(path);

    /// <summary>The charge for hashing or comparing a text. A pickle can use one long text many times, with two bytes per use.</summary>
    public static long Hashing(int characters) => characters / 16;

    /// <summary>The charge for inspecting existing items: one byte per item.</summary>
    public static long Inspecting(int items) => items;

    /// <summary>The bytes of a string.</summary>
    public static long Text(int characters) => 32 + (2L * characters);

    /// <summary>Grants memory for a number of header bytes that were read.</summary>
    public void Grant(long headerBytes) => whole.Grant(headerBytes);

    /// <summary>Charges memory before it is allocated.</summary>
    /// <exception cref="MemLoadException">ML1013.</exception>
    public void Spend(long bytes)
    {
        _pending += bytes;
        if (_pending >= Settlement)
        {
            Settle();
        }
    }

    /// <summary>Adds the pending charges to the total. Called when the file is complete.</summary>
    /// <exception cref="MemLoadException">ML1013.</exception>
    public void Settle()
    {
        long bytes = _pending;
        _pending = 0;
        whole.Spend(bytes, path);
    }
}
