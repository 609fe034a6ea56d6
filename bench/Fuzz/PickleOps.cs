using System.Buffers.Binary;
using System.Text;

namespace MemLoad.Fuzz;

/// <summary>Splits pickles into opcodes with their operands, and mutates these.</summary>
internal static class PickleOps
{
    private static readonly byte[][] Snippets =
    [
        "cos\nsystem\n"u8.ToArray(),
        "cbuiltins\neval\n"u8.ToArray(),
        "ccollections\nOrderedDict\n)R"u8.ToArray(),
        "ctorch\nSize\n"u8.ToArray(),
        "ctorch._utils\n_rebuild_tensor_v2\n"u8.ToArray(),
        "ctorch\nFloatStorage\n"u8.ToArray(),
        "ctorch\nDoubleStorage\n"u8.ToArray(),
        "ctorch\nBoolStorage\n"u8.ToArray(),
        "ctorch.storage\nUntypedStorage\n"u8.ToArray(),
        "ctorch\nfloat16\n"u8.ToArray(),
        "("u8.ToArray(),
        ")"u8.ToArray(),
        "t"u8.ToArray(),
        "R"u8.ToArray(),
        "Q"u8.ToArray(),
        "b"u8.ToArray(),
        "s"u8.ToArray(),
        "u"u8.ToArray(),
        "e"u8.ToArray(),
        "a"u8.ToArray(),
        "]"u8.ToArray(),
        "}"u8.ToArray(),
        "0"u8.ToArray(),
        "1"u8.ToArray(),
        "2"u8.ToArray(),
        "N"u8.ToArray(),
        "."u8.ToArray(),
        [0x80, 2],
        [0x85],
        [0x86],
        [0x87],
        [0x88],
        [0x89],
        [0x8f],
        [0x90],
        [0x91],
        [0x93],
        [0x94],
        [0x81],
        [0x92],
        "K\0"u8.ToArray(),
        "K\x04"u8.ToArray(),
        [(byte)'J', 255, 255, 255, 255],
        "h\0"u8.ToArray(),
        "q\0"u8.ToArray(),
        "h\x01"u8.ToArray(),
        "G\0\0\0\0\0\0\0\0"u8.ToArray(),
        [0x8a, 1, 255],
        [0x8a, 0],
        [0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        "X\0\0\0\0"u8.ToArray(),
        "U\x01a"u8.ToArray(),
        "o"u8.ToArray(),
        "i__main__\nx\n"u8.ToArray(),
        "c__builtin__\nset\n"u8.ToArray(),
        "c_codecs\nencode\n"u8.ToArray(),
        [0x95, 1, 0, 0, 0, 0, 0, 0, 0],
        "ctorch\ndevice\n"u8.ToArray(),
        "ctorch._tensor\n_rebuild_from_type_v2\n"u8.ToArray(),
        [0x96, 0, 0, 0, 0, 0, 0, 0, 0],
    ];

    /// <summary>
    /// Returns the opcodes of one pickle from a position to its STOP. A part that cannot be split is one piece at the end.
    /// </summary>
    public static List<byte[]> Split(ReadOnlySpan<byte> bytes, ref int at)
    {
        var ops = new List<byte[]>();
        while (at < bytes.Length)
        {
            int length = LengthOf(bytes[at..]);
            if (length <= 0 || length > bytes.Length - at)
            {
                ops.Add(bytes[at..].ToArray());
                at = bytes.Length;
                break;
            }
            ops.Add(bytes.Slice(at, length).ToArray());
            at += length;
            if (ops[^1][0] == '.')
            {
                break;
            }
        }
        return ops;
    }

    public static byte[] Mutate(byte[] pickle, IReadOnlyList<byte[]> others, Dice dice)
    {
        int at = 0;
        List<byte[]> ops = Split(pickle, ref at);
        for (int times = 1 + (dice.OneIn(3) ? dice.Below(6) : 0); times > 0 && ops.Count > 0; times--)
        {
            Mutate(ops, others, dice);
        }
        byte[] whole = [.. ops.SelectMany(op => op), .. pickle.AsSpan(at)];
        return FixFrame(whole, dice);
    }

    private static void Mutate(List<byte[]> ops, IReadOnlyList<byte[]> others, Dice dice)
    {
        int i = dice.Below(ops.Count);
        switch (dice.Below(10))
        {
            case 0:
                ops.RemoveAt(i);
                break;
            case 1:
                ops.Insert(i, ops[i]);
                break;
            case 2:
                ops.Insert(i, dice.Of(Snippets));
                break;
            case 3:
                ops[i] = dice.Of(Snippets);
                break;
            case 4:
                int j = dice.Below(ops.Count);
                (ops[i], ops[j]) = (ops[j], ops[i]);
                break;
            case 5: // a range of another pickle
                int from = 0;
                List<byte[]> other = Split(dice.Of(others), ref from);
                int start = dice.Below(other.Count);
                ops.InsertRange(i, other.GetRange(start, Math.Min(1 + dice.Below(12), other.Count - start)));
                break;
            case 6: // a repeated range
                int count = Math.Min(1 + dice.Below(20), ops.Count - i);
                ops.InsertRange(i, ops.GetRange(i, count));
                break;
            default:
                ops[i] = Operand(ops[i], dice);
                break;
        }
    }

    // Returns another operand of the same form. Its stated length is rarely wrong.
    private static byte[] Operand(byte[] op, Dice dice)
    {
        byte[] changed = [.. op];
        switch ((char)op[0])
        {
            case 'K' or 'h' or 'q' when op.Length == 2:
                changed[1] = (byte)dice.Number(op[1]);
                return changed;
            case 'M' when op.Length == 3:
                BinaryPrimitives.WriteUInt16LittleEndian(
                    changed.AsSpan(1), (ushort)dice.Number(BinaryPrimitives.ReadUInt16LittleEndian(op.AsSpan(1))));
                return changed;
            case 'J' or 'r' or 'j' when op.Length == 5:
                BinaryPrimitives.WriteUInt32LittleEndian(
                    changed.AsSpan(1), (uint)dice.Number(BinaryPrimitives.ReadUInt32LittleEndian(op.AsSpan(1))));
                return changed;
            case 'X' when op.Length >= 5:
                byte[] text = Text(op[5..], dice);
                uint length = dice.OneIn(8) ? (uint)dice.Number((uint)text.Length) : (uint)text.Length;
                return [op[0], .. BitConverter.GetBytes(length), .. text];
            case 'c':
                string[] names = Encoding.Latin1.GetString(op, 1, op.Length - 1).Split('\n');
                return Encoding.Latin1.GetBytes($"c{dice.Of(names)}\n{dice.Of(names)}\n");
            default:
                if (op.Length > 1)
                {
                    changed[1 + dice.Below(op.Length - 1)] = (byte)dice.Number(op[1]);
                }
                else
                {
                    changed[0] = (byte)dice.Next();
                }
                return changed;
        }
    }

    private static byte[] Text(byte[] text, Dice dice) =>
        dice.Below(7) switch
        {
            0 => [],
            1 => [.. text, .. text],
            2 => [.. text, (byte)dice.Next()],
            3 when text.Length > 0 => text[..^1],
            4 => Encoding.UTF8.GetBytes(
                dice.Of([
                    "storage",
                    "cpu",
                    "cuda:0",
                    "0",
                    "1",
                    "2",
                    "../0",
                    "meta",
                    "module",
                    "\0",
                    "\n",
                    "é",
                    "\u202e",
                    "a.b",
                    "weight",
                    "little",
                ])),
            5 => [.. Enumerable.Repeat((byte)'n', 1 << dice.Below(14))],
            _ => [.. text.Select(b => dice.OneIn(4) ? (byte)dice.Next() : b)],
        };

    // Protocol 4 states the length of the following bytes. In most cases the length is corrected.
    private static byte[] FixFrame(byte[] pickle, Dice dice)
    {
        if (pickle.Length > 11 && pickle[0] == 0x80 && pickle[2] == 0x95 && !dice.OneIn(8))
        {
            BinaryPrimitives.WriteInt64LittleEndian(pickle.AsSpan(3), pickle.Length - 11);
        }
        return pickle;
    }

    private static int LengthOf(ReadOnlySpan<byte> at)
    {
        static int Sized(ReadOnlySpan<byte> bytes, int width)
        {
            if (bytes.Length < 1 + width)
            {
                return 0;
            }
            ulong length = width switch
            {
                1 => bytes[1],
                4 => BinaryPrimitives.ReadUInt32LittleEndian(bytes[1..]),
                _ => BinaryPrimitives.ReadUInt64LittleEndian(bytes[1..]),
            };
            return length > (ulong)bytes.Length ? 0 : 1 + width + (int)length;
        }

        switch ((char)at[0])
        {
            case '\x80' or 'K' or 'h' or 'q':
                return 2;
            case 'M':
                return 3;
            case 'J' or 'r' or 'j':
                return 5;
            case 'G' or '\x95':
                return 9;
            case 'U' or 'C' or '\x8a' or '\x8c':
                return Sized(at, 1);
            case 'X' or 'T' or 'B' or '\x8b':
                return Sized(at, 4);
            case '\x8d' or '\x8e' or '\x96':
                return Sized(at, 8);
            case 'c':
                int first = at.IndexOf((byte)'\n');
                int second = first < 0 ? -1 : at[(first + 1)..].IndexOf((byte)'\n');
                return second < 0 ? 0 : first + second + 2;
            default:
                return 1;
        }
    }
}
