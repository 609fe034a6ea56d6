namespace MemLoad;

/// <summary>
/// The memo numbers that a pickle uses again. Python memoizes nearly every value and uses few of them twice. For a hundred thousand
/// tensors, the memo would take most of the memory. One pass over the opcodes finds the numbers before values are created.
/// </summary>
internal sealed class PickleRecalls
{
    private readonly long _numbers;
    private readonly FileBudget _budget;
    private ulong[] _used = []; // a bit for each number, up to the last that is used

    /// <summary>The position after the pickle.</summary>
    public long End { get; private set; }

    private PickleRecalls(long numbers, FileBudget budget)
    {
        _numbers = numbers;
        _budget = budget;
    }

    /// <summary>Whether the pickle uses the value of a number again.</summary>
    public bool Contains(uint index) =>
        index >= _numbers || (index >> 6 < (uint)_used.Length && (_used[index >> 6] & (1UL << (int)(index & 63))) != 0);

    /// <summary>
    /// Scans a pickle. Returns null if the pickle numbers some values by counting and states the numbers of others, or if the scan fails.
    /// All values are then kept.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">The position of the pickle.</param>
    /// <param name="length">Its length, or the length of a longer range that begins with it.</param>
    /// <param name="budget">The budget that is charged with a few bits per number.</param>
    /// <param name="cancellationToken">Stops the scan.</param>
    public static PickleRecalls? Of(FileRange file, long offset, long length, FileBudget budget, CancellationToken cancellationToken)
    {
        using var input = new PickleInput(file, offset, length, FileBudget.Unlimited());
        // In a pickle of Python, no number exceeds the number of opcodes.
        var recalls = new PickleRecalls(length, budget);
        try
        {
            return recalls.Follow(input, cancellationToken) ? recalls : null;
        }
        catch (MemLoadException)
        {
            return null; // the reader reports the error
        }
    }

    private bool Follow(PickleInput input, CancellationToken cancellationToken)
    {
        bool counts = false;
        bool states = false;
        for (uint step = 0; ; step++)
        {
            if ((step & 0xfff) == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
            switch ((char)input.ReadByte())
            {
                case '.': // STOP
                    End = input.Position;
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
        if (index >= _numbers)
        {
            return;
        }
        if (index >> 6 >= (uint)_used.Length)
        {
            int words = (int)Math.Max((index >> 6) + 1, 2L * _used.Length);
            _budget.Spend(32 + ((long)sizeof(ulong) * words));
            Array.Resize(ref _used, words);
        }
        _used[index >> 6] |= 1UL << (int)(index & 63);
    }
}
