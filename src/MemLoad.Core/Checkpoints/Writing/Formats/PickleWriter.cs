using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace MemLoad;

/// <summary>
/// Writes a pickle of protocol 2 (opcodes as in <c>pickletools</c> of CPython). It uses only constructs that
/// <c>torch.load(weights_only=True)</c> accepts. Globals and repeated strings are memoized, so a second use takes two to five bytes.
/// </summary>
internal sealed class PickleWriter
{
    private readonly ArrayBufferWriter<byte> _output = new(1024);
    private readonly Dictionary<string, int> _memo = new(StringComparer.Ordinal);

    public PickleWriter() => Write([0x80, 2]);

    /// <summary>Ends the pickle and returns its bytes.</summary>
    public byte[] Finish()
    {
        Opcode('.');
        return _output.WrittenSpan.ToArray();
    }

    public void Mark() => Opcode('(');

    /// <summary>Writes a tuple of all items since the last <see cref="Mark"/>.</summary>
    public void Tuple() => Opcode('t');

    public void EmptyTuple() => Opcode(')');

    public void EmptyDictionary() => Opcode('}');

    /// <summary>Adds the pairs since the last <see cref="Mark"/> to the dictionary below it.</summary>
    public void SetItems() => Opcode('u');

    /// <summary>Calls the function below the top with the tuple on top.</summary>
    public void Reduce() => Opcode('R');

    /// <summary>Requests the object with the persistent id on top from the loader.</summary>
    public void PersistentId() => Opcode('Q');

    public void Boolean(bool value) => Opcode(value ? '\u0088' : '\u0089');

    /// <summary>A class or function.</summary>
    public void Global(string module, string name)
    {
        string text = $"c{module}\n{name}\n";
        if (!TryRecall(text))
        {
            Write(Encoding.ASCII.GetBytes(text));
            Memoize(text);
        }
    }

    /// <summary>Writes a string that is not repeated.</summary>
    public void Text(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        Opcode('X');
        BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), length);
        Encoding.UTF8.GetBytes(value, Reserve(length));
    }

    /// <summary>Writes a string that is repeated.</summary>
    public void RepeatedText(string value)
    {
        if (!TryRecall(value))
        {
            Text(value);
            Memoize(value);
        }
    }

    public void Integer(long value)
    {
        switch (value)
        {
            case >= 0 and <= byte.MaxValue:
                Write([(byte)'K', (byte)value]);
                break;
            case >= 0 and <= ushort.MaxValue:
                Opcode('M');
                BinaryPrimitives.WriteUInt16LittleEndian(Reserve(2), (ushort)value);
                break;
            case >= int.MinValue and <= int.MaxValue:
                Opcode('J');
                BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), (int)value);
                break;
            default:
                byte[] bytes = new BigInteger(value).ToByteArray();
                Write([0x8A, (byte)bytes.Length]);
                Write(bytes);
                break;
        }
    }

    public void Integers(ImmutableArray<long> values)
    {
        if (values.Length > 3)
        {
            Mark();
        }
        foreach (long value in values)
        {
            Integer(value);
        }
        Opcode(values.Length switch { 0 => ')', 1 => '\u0085', 2 => '\u0086', 3 => '\u0087', _ => 't' });
    }

    private bool TryRecall(string key)
    {
        if (!_memo.TryGetValue(key, out int index))
        {
            return false;
        }
        WithIndex('h', 'j', index);
        return true;
    }

    private void Memoize(string key)
    {
        WithIndex('q', 'r', _memo.Count);
        _memo.Add(key, _memo.Count);
    }

    private void WithIndex(char brief, char wide, int index)
    {
        if (index <= byte.MaxValue)
        {
            Write([(byte)brief, (byte)index]);
            return;
        }
        Opcode(wide);
        BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), index);
    }

    private void Opcode(char code) => Reserve(1)[0] = (byte)code;

    private void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    private Span<byte> Reserve(int count)
    {
        Span<byte> span = _output.GetSpan(count)[..count];
        _output.Advance(count);
        return span;
    }
}
