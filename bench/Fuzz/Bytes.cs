using System.Buffers.Binary;

namespace MemLoad.Fuzz;

/// <summary>Mutations that do not depend on the meaning of the bytes.</summary>
internal static class Bytes
{
    private const int Longest = 1 << 16;

    public static byte[] Mutate(byte[] content, byte[] other, Dice dice)
    {
        byte[] bytes = [.. content];
        for (int times = 1 + (dice.OneIn(3) ? dice.Below(8) : 0); times > 0; times--)
        {
            bytes = Once(bytes, other, dice);
        }
        return bytes.Length > Longest ? bytes[..Longest] : bytes;
    }

    /// <summary>Overwrites a little-endian number with another one.</summary>
    public static void Number(Span<byte> field, Dice dice)
    {
        Span<byte> wide = stackalloc byte[8];
        wide.Clear();
        field.CopyTo(wide);
        BinaryPrimitives.WriteUInt64LittleEndian(wide, dice.Number(BinaryPrimitives.ReadUInt64LittleEndian(wide)));
        wide[..field.Length].CopyTo(field);
    }

    private static byte[] Once(byte[] bytes, byte[] other, Dice dice)
    {
        int at = dice.Below(bytes.Length);
        int count = Math.Min(1 + dice.Below(dice.OneIn(4) ? 200 : 8), bytes.Length - at);
        switch (dice.Below(9))
        {
            case 0 or 1 when bytes.Length > 0:
                bytes[at] ^= (byte)(1 << dice.Below(8));
                return bytes;
            case 2 when bytes.Length > 0:
                bytes[at] = (byte)dice.Next();
                return bytes;
            case 3:
                return [.. bytes[..at], .. bytes[(at + count)..]];
            case 4:
                return [.. bytes[..at], .. Enumerable.Range(0, count).Select(_ => (byte)dice.Next()), .. bytes[at..]];
            case 5:
                return bytes[..at];
            case 6: // a range of the content is copied to another position
                int to = dice.Below(bytes.Length);
                return [.. bytes[..to], .. bytes[at..(at + count)], .. bytes[to..]];
            case 7: // the start of one content and the end of another
                return [.. bytes[..at], .. other[Math.Min(dice.OneIn(2) ? at : dice.Below(other.Length), other.Length)..]];
            default:
                int width = Math.Min(1 << dice.Below(4), bytes.Length - at);
                Number(bytes.AsSpan(at, Math.Max(0, width)), dice);
                return bytes;
        }
    }
}
