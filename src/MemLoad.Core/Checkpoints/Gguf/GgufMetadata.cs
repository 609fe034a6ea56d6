using System.Buffers.Binary;
using System.Numerics;

namespace MemLoad;

/// <summary>
/// Reads the keys and values of a GGUF file. Single values are kept. Arrays are read, but only their description is kept, as llama.cpp
/// prints it: <c>arr[str,32000]</c>. The arrays of tokenizers have hundreds of thousands of entries.
/// </summary>
internal static class GgufMetadata
{
    /// <summary>The key of the alignment.</summary>
    public const string Alignment = "general.alignment";

    // The shortest pair: a key of one byte, the type, and a value of one byte.
    private const int ShortestPair = 8 + 1 + 4 + 1;

    private const int LongestKey = 65_535;
    private const int LongestKept = 1 << 16;
    private const ulong LargestArray = 1UL << 30; // GGUF_MAX_ARRAY_ELEMENTS
    private const uint Text = 8;
    private const uint Array = 9;

    private static readonly string[] TypeNames = ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "str", "arr", "u64", "i64", "f64"];
    private static readonly int[] TypeBytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

    /// <summary>Reads the given number of pairs.</summary>
    /// <returns>The pairs in the order of the file, and the alignment that they state.</returns>
    /// <exception cref="MemLoadException">ML1005, ML1013, ML4103 to ML4108.</exception>
    public static (List<(string Key, object? Value)> Pairs, long Alignment) Read(
        GgufInput input, ulong count, FileBudget budget, CancellationToken ct)
    {
        const int DefaultAlignment = 32;
        string path = budget.Path;
        if (count > (ulong)input.Left / ShortestPair)
        {
            throw Rules.GgufCount.Broken($"{count} keys and values do not fit into the {input.Left} bytes that follow", path, 16);
        }
        var pairs = new List<(string, object?)>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        long alignment = DefaultAlignment;
        for (ulong i = 0; i < count; i++)
        {
            ct.ThrowIfCancellationRequested();
            long at = input.Position;
            string key = input.Name("a key", LongestKey, Rules.GgufKey);
            budget.Spend(FileBudget.GrowingEntry + 64);
            if (!keys.Add(key))
            {
                throw Rules.GgufKey.Broken($"the key {Printable.Quote(key)} occurs twice", path, at);
            }
            at = input.Position;
            uint type = input.UInt32();
            object? value = Value(input, type, key, path, ct);
            if (key == Alignment)
            {
                alignment = CheckAlignment(type, value, path, at);
            }
            pairs.Add((key, value));
        }
        return (pairs, alignment);
    }

    private static object? Value(GgufInput input, uint type, string key, string path, CancellationToken ct)
    {
        long at = input.Position;
        switch (type)
        {
            case Text:
                long length = input.TextLength($"the value of {Printable.Quote(key)}");
                if (length <= LongestKept && length <= input.Left)
                {
                    return input.Prose((int)length);
                }
                input.Skip(length, $"the value of {Printable.Quote(key)}");
                return $"str[{length}]";
            case Array:
                return WalkArray(input, key, path, ct);
            case < 13:
                return Number(type, input.Bytes(TypeBytes[type]), key, path, at);
            default:
                throw Rules.GgufValueType.Broken($"the value of {Printable.Quote(key)} has type {type}", path, at - 4);
        }
    }

    private static object Number(uint type, ReadOnlySpan<byte> bytes, string key, string path, long at) => type switch
    {
        0 => (object)(long)bytes[0],
        1 => (long)(sbyte)bytes[0],
        2 => (long)BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        3 => (long)BinaryPrimitives.ReadInt16LittleEndian(bytes),
        4 => (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        5 => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
        6 => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
        7 => bytes[0] <= 1 ? bytes[0] == 1
            : throw Rules.GgufValueType.Broken($"the Boolean value of {Printable.Quote(key)} is {bytes[0]}, not 0 or 1", path, at),
        10 => BinaryPrimitives.ReadInt64LittleEndian(bytes) is var number and >= 0
            ? (object)number : (BigInteger)BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        11 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        _ => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
    };

    private static string WalkArray(GgufInput input, string key, string path, CancellationToken ct)
    {
        const int BetweenLooks = 4096;
        long at = input.Position;
        uint type = input.UInt32();
        ulong count = input.UInt64();
        if (type == Array || type >= TypeNames.Length)
        {
            string what = type == Array ? "arrays" : $"elements of type {type}";
            throw Rules.GgufValueType.Broken($"the array {Printable.Quote(key)} has {what}", path, at);
        }
        if (count > LargestArray)
        {
            throw Rules.GgufArray.Broken($"the array {Printable.Quote(key)} has {count} elements", path, at + 4);
        }
        if (type != Text)
        {
            input.Skip((long)count * TypeBytes[type], $"the array {Printable.Quote(key)}");
        }
        else
        {
            if (count > (ulong)input.Left / sizeof(ulong))
            {
                throw Rules.FileTruncated.Broken($"the file ends before the {count} strings of the array {Printable.Quote(key)}", path, at);
            }
            const string Entry = "a string of an array";
            for (ulong i = 0; i < count; i++)
            {
                if (i % BetweenLooks == 0)
                {
                    ct.ThrowIfCancellationRequested();
                }
                input.Skip(input.TextLength(Entry), Entry);
            }
        }
        return $"arr[{TypeNames[type]},{count}]";
    }

    // The specification requires a multiple of 8. ggml requires a power of two.
    private static long CheckAlignment(uint type, object? value, string path, long at)
    {
        const uint UInt32 = 4;
        return type == UInt32 && value is long alignment and >= 8 && BitOperations.IsPow2(alignment) ? alignment
            : throw Rules.GgufAlignment.Broken($"{Alignment} is {value} ({(type < TypeNames.Length ? TypeNames[type] : "")})", path, at);
    }
}
