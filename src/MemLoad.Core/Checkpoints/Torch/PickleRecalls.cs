namespace MemLoad;

/// <summary>
/// Which of the numbers under which a pickle keeps values it ever uses again. Python keeps nearly every value and uses few of them twice; of a
/// hundred thousand tensors that is most of what reading them would take. Found by one look over the opcodes, before anything is made of them.
/// </summary>
internal sealed class PickleRecalls
{
    private readonly ulong[] _used;

    private PickleRecalls(long numbers) => _used = new ulong[(numbers >> 6) + 1];

    /// <summary>Whether the value of a number is used again.</summary>
    public bool Contains(uint index) => index >> 6 >= (uint)_used.Length || (_used[index >> 6] & (1UL << (int)(index & 63))) != 0;

    /// <summary>Looks over a pickle; null if it numbers its values by counting them, or cannot be followed: then all are kept.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where the pickle begins.</param>
    /// <param name="length">Its length.</param>
    /// <param name="budget">Charged with the one bit for each number.</param>
    public static PickleRecalls? Of(CheckpointFileReader file, long offset, long length, OpenBudget budget)
    {
        budget.Spend(length / 8, file.Path);
        using var input = new PickleInput(file, offset, length, OpenBudget.Unlimited());
        // No number is larger than the count of the opcodes, unless the pickle was not written by Python.
        var recalls = new PickleRecalls(length);
        try
        {
            return recalls.Follow(input) ? recalls : null;
        }
        catch (MemLoadException)
        {
            return null; // whoever reads it says what is wrong with it
        }
    }

    private bool Follow(PickleInput input)
    {
        while (true)
        {
            switch ((char)input.ReadByte())
            {
                case '.': // STOP
                    return true;
                case '\x94': // MEMOIZE
                    return false;
                case 'h': // BINGET
                    Use(input.ReadByte());
                    break;
                case 'j': // LONG_BINGET
                    Use(input.ReadUInt32());
                    break;
                case '\x80' or 'K' or 'q':
                    input.Skip(1);
                    break;
                case 'M':
                    input.Skip(2);
                    break;
                case 'J' or 'r':
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
