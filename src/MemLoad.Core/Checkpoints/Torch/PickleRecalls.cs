namespace MemLoad;

/// <summary>
/// The memo numbers that a pickle uses again. Python memoizes nearly every value and uses few of them twice. For a hundred thousand
/// tensors, the memo would take most of the memory. One pass over the opcodes finds the numbers before values are created.
/// </summary>
internal sealed class PickleRecalls
{
    private readonly ulong[] _used;

    private PickleRecalls(long numbers) => _used = new ulong[(numbers >> 6) + 1];

    /// <summary>Whether the pickle uses the value of a number again.</summary>
    public bool Contains(uint index) => index >> 6 >= (uint)_used.Length || (_used[index >> 6] & (1UL << (int)(index & 63))) != 0;

    /// <summary>
    /// Scans a pickle. Returns null if the pickle numbers some values by counting and states the numbers of others, or if the scan fails.
    /// All values are then kept.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">The position of the pickle.</param>
    /// <param name="length">Its length.</param>
    /// <param name="budget">The budget that is charged with one bit per number.</param>
    public static PickleRecalls? Of(FileRange file, long offset, long length, OpenBudget budget)
    {
        budget.Spend(length / 8, file.Path);
        using var input = new PickleInput(file, offset, length, OpenBudget.Unlimited());
        // In a pickle of Python, no number exceeds the number of opcodes.
        var recalls = new PickleRecalls(length);
        try
        {
            return recalls.Follow(input) ? recalls : null;
        }
        catch (MemLoadException)
        {
            return null; // the reader reports the error
        }
    }

    private bool Follow(PickleInput input)
    {
        bool counts = false;
        bool states = false;
        while (true)
        {
            switch ((char)input.ReadByte())
            {
                case '.': // STOP
                    return !(counts && states);
                case '\x94': // MEMOIZE
                    counts = true;
                    break;
                case 'h': // BINGET
                    Use(input.ReadByte());
                    break;
                case 'j': // LONG_BINGET
                    Use(input.ReadUInt32());
                    break;
                case '\x80' or 'K':
                    input.Skip(1);
                    break;
                case 'q': // BINPUT
                    states = true;
                    input.Skip(1);
                    break;
                case 'M':
                    input.Skip(2);
                    break;
                case 'J':
                    input.Skip(4);
                    break;
                case 'r': // LONG_BINPUT
                    states = true;
                    input.Skip(4);
                    break;
                case 'G' or '\x95':
                    input.Skip(8);
                    break;
                case 'U' or 'C' or '\x8a' or '\x8c':
                    input.Skip(input.ReadByte());
                    break;
                case 'X' or 'T' or 'B' or '\x8b':
                    input.Skip(input.ReadUInt32());
                    break;
                case '\x8d' or '\x8e' or '\x96':
                    input.Skip(input.ReadUInt64());
                    break;
                case 'c': // GLOBAL
                    input.ReadLine();
                    input.ReadLine();
                    break;
            }
        }
    }

    private void Use(uint index)
    {
        if (index >> 6 < (uint)_used.Length)
        {
            _used[index >> 6] |= 1UL << (int)(index & 63);
        }
    }
}
