using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>Writes pickles opcode by opcode, both sound and malformed.</summary>
internal static class PickleForge
{
    public static readonly byte[] Stop = "."u8.ToArray();
    public static readonly byte[] None = "N"u8.ToArray();
    public static readonly byte[] True = [0x88];
    public static readonly byte[] False = [0x89];
    public static readonly byte[] Reduce = "R"u8.ToArray();
    public static readonly byte[] Build = "b"u8.ToArray();
    public static readonly byte[] Mark = "("u8.ToArray();
    public static readonly byte[] EmptyTuple = ")"u8.ToArray();
    public static readonly byte[] EmptyList = "]"u8.ToArray();
    public static readonly byte[] EmptyDict = "}"u8.ToArray();
    public static readonly byte[] Persistent = "Q"u8.ToArray();
    public static readonly byte[] OrderedDict = Call("collections", "OrderedDict");

    public static byte[] Cat(params IEnumerable<byte[]> parts)
    {
        using var whole = new MemoryStream();
        foreach (byte[] part in parts)
        {
            whole.Write(part);
        }
        return whole.ToArray();
    }

    public static byte[] Repeat(byte[] part, int times) => Cat(Enumerable.Repeat(part, times));

    public static byte[] Bytes(string latin) => Encoding.Latin1.GetBytes(latin);

    /// <summary>Returns a whole pickle: protocol 2, the value, STOP.</summary>
    public static byte[] Whole(params IEnumerable<byte[]> value) => Cat([0x80, 2], Cat(value), Stop);

    public static byte[] Global(string module, string name) => Bytes($"c{module}\n{name}\n");

    public static byte[] StackGlobal(string module, string name) => Cat(Text(module), Text(name), [0x93]);

    public static byte[] Text(string text) => Raw(Encoding.UTF8.GetBytes(text));

    /// <summary>Returns BINUNICODE of any bytes, with their real length or another length.</summary>
    public static byte[] Raw(byte[] utf8, uint? length = null) => Cat("X"u8.ToArray(), Four(length ?? (uint)utf8.Length), utf8);

    public static byte[] Number(BigInteger value)
    {
        if (value >= int.MinValue && value <= int.MaxValue)
        {
            return Cat("J"u8.ToArray(), Four(unchecked((uint)(int)value)));
        }
        byte[] bytes = value.ToByteArray();
        return Cat([0x8a, (byte)bytes.Length], bytes);
    }

    public static byte[] Tuple(params IEnumerable<byte[]> items) => Cat(Mark, Cat(items), "t"u8.ToArray());

    public static byte[] List(params IEnumerable<byte[]> items) => Cat(EmptyList, Mark, Cat(items), "e"u8.ToArray());

    public static byte[] Dict(params IEnumerable<(string Key, byte[] Value)> items) =>
        Cat(EmptyDict, Mark, Cat(items.Select(item => Cat(Text(item.Key), item.Value))), "u"u8.ToArray());

    public static byte[] Call(string module, string name, params IEnumerable<byte[]> arguments) =>
        Cat(Global(module, name), Tuple(arguments), Reduce);

    public static byte[] Storage(string type = "FloatStorage", string key = "0", BigInteger? count = null) =>
        Cat(Tuple(Text("storage"), Global("torch", type), Text(key), Text("cpu"), Number(count ?? 4)), Persistent);

    public static byte[] Numbers(params IEnumerable<long> numbers) => Tuple(numbers.Select(number => Number(number)));

    /// <summary>Returns a tensor as PyTorch writes it. Each part can be replaced.</summary>
    public static byte[] Tensor(
        byte[]? storage = null,
        byte[]? offset = null,
        byte[]? shape = null,
        byte[]? strides = null,
        byte[]? gradient = null,
        byte[]? hooks = null) =>
        Call(
            "torch._utils",
            "_rebuild_tensor_v2",
            storage ?? Storage(),
            offset ?? Number(0),
            shape ?? Numbers(4),
            strides ?? Numbers(1),
            gradient ?? False,
            hooks ?? OrderedDict);

    /// <summary>Returns a state dict with one tensor.</summary>
    public static byte[] StateDict(byte[]? tensor = null, string name = "a") => Dict((name, tensor ?? Tensor()));

    public static byte[] Four(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    public static byte[] Eight(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }
}
