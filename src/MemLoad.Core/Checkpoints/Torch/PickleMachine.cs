using System.Numerics;

namespace MemLoad;

/// <summary>
/// Reads one pickle (protocols 2 to 5, PEP 307, PEP 3154, PEP 574) into records. The machine knows the opcodes; which names may be used
/// and what they mean is the business of <see cref="TorchVocabulary"/>. Nothing is imported and nothing runs.
/// </summary>
internal sealed class PickleMachine(PickleInput input, Func<object?, StorageReference> loadStorage)
{
    private const int LargestInteger = 1 << 10;

    // A pickle of N bytes may hold so many values at a time and make so many containers; what PyTorch writes stays far below.
    private const long FreeValues = 1 << 18;
    private const long FreeContainers = 1 << 16;
    private const int BytesPerValue = 8;

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private readonly long _mostValues = FreeValues + (input.Length / BytesPerValue);
    private readonly long _mostContainers = FreeContainers + (input.Length / BytesPerValue);
    private long _containers;

    /// <summary>Reads up to STOP and gives the value on top.</summary>
    /// <exception cref="MemLoadException">ML1005 or ML3001 to ML3010.</exception>
    public object? Load(CancellationToken cancellationToken = default)
    {
        for (uint step = 0; ; step++)
        {
            if ((step & 0xfff) == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
            long at = input.Position;
            if (_stack.Count + _marks.Count > _mostValues || _containers > _mostContainers)
            {
                throw Rules.PickleTooDeep.Broken(
                    $"the pickle of {input.Length} bytes has more than {_mostValues} values at a time or makes more than {_mostContainers} containers", input.Path, at);
            }
            byte opcode = input.ReadByte();
            switch ((char)opcode)
            {
                case '\x80': // PROTO
                    byte protocol = input.ReadByte();
                    if (step != 0)
                    {
                        throw Malformed("the protocol is stated inside the pickle", at);
                    }
                    if (protocol is < 2 or > 5)
                    {
                        throw Rules.PickleOpcode.Broken($"the pickle has protocol {protocol}", input.Path, at);
                    }
                    break;
                case '\x95': // FRAME: a hint for readers of sockets
                    ulong frame = input.ReadUInt64();
                    if (frame > (ulong)input.Remaining)
                    {
                        throw Malformed($"a frame of {frame} bytes does not fit the {input.Remaining} bytes left", at);
                    }
                    break;
                case '.': // STOP
                    object? result = Pop(at);
                    return _stack.Count == 0 && _marks.Count == 0 ? result : throw Malformed("values are left over at the end of the pickle", at);

                case '(': // MARK
                    _marks.Add(_stack.Count);
                    break;
                case '0': // POP
                    Pop(at);
                    break;
                case '1': // POP_MARK
                    PopToMark(at);
                    break;
                case '2': // DUP
                    _stack.Add(Peek(at));
                    break;

                case 'N':
                    _stack.Add(null);
                    break;
                case '\x88': // NEWTRUE
                    _stack.Add(true);
                    break;
                case '\x89': // NEWFALSE
                    _stack.Add(false);
                    break;
                case 'J': // BININT
                    _stack.Add((long)input.ReadInt32());
                    break;
                case 'K': // BININT1
                    _stack.Add((long)input.ReadByte());
                    break;
                case 'M': // BININT2
                    _stack.Add((long)input.ReadUInt16());
                    break;
                case '\x8a': // LONG1
                    PushInteger(input.ReadBytes(input.ReadByte()));
                    break;
                case '\x8b': // LONG4
                    int size = input.ReadInt32();
                    PushInteger(size is >= 0 and <= LargestInteger ? input.ReadBytes((ulong)size) : throw Malformed($"an integer has {size} bytes", at));
                    break;
                case 'G': // BINFLOAT
                    _stack.Add(input.ReadBigEndianDouble());
                    break;

                case '\x8c': // SHORT_BINUNICODE
                    _stack.Add(input.ReadUtf8(input.ReadByte()));
                    break;
                case 'X': // BINUNICODE
                    _stack.Add(input.ReadUtf8(input.ReadUInt32()));
                    break;
                case '\x8d': // BINUNICODE8
                    _stack.Add(input.ReadUtf8(input.ReadUInt64()));
                    break;
                case 'U': // SHORT_BINSTRING: text of Python 2
                    _stack.Add(input.ReadUtf8(input.ReadByte()));
                    break;
                case 'T': // BINSTRING
                    _stack.Add(input.ReadUtf8(input.ReadUInt32()));
                    break;
                case 'C': // SHORT_BINBYTES
                    _stack.Add(input.ReadBytes(input.ReadByte()));
                    break;
                case 'B': // BINBYTES
                    _stack.Add(input.ReadBytes(input.ReadUInt32()));
                    break;
                case '\x8e': // BINBYTES8
                    _stack.Add(input.ReadBytes(input.ReadUInt64()));
                    break;
                case '\x96': // BYTEARRAY8
                    Push(PickleSequenceKind.ByteArray, [input.ReadBytes(input.ReadUInt64())]);
                    break;

                case ']': // EMPTY_LIST
                    Push(PickleSequenceKind.List, []);
                    break;
                case 'l': // LIST
                    Push(PickleSequenceKind.List, PopToMark(at));
                    break;
                case 'a': // APPEND
                    object? item = Pop(at);
                    TopSequence(PickleSequenceKind.List, at).Add(item);
                    break;
                case 'e': // APPENDS
                    List<object?> appended = PopToMark(at);
                    TopSequence(PickleSequenceKind.List, at).AddRange(appended);
                    break;
                case ')': // EMPTY_TUPLE
                    Push(PickleSequenceKind.Tuple, []);
                    break;
                case 't': // TUPLE
                    Push(PickleSequenceKind.Tuple, PopToMark(at));
                    break;
                case '\x85' or '\x86' or '\x87': // TUPLE1, TUPLE2, TUPLE3
                    Push(PickleSequenceKind.Tuple, PopMany(opcode - 0x84, at));
                    break;
                case '\x8f': // EMPTY_SET
                    Push(PickleSequenceKind.Set, []);
                    break;
                case '\x90': // ADDITEMS
                    List<object?> added = PopToMark(at);
                    TopSequence(PickleSequenceKind.Set, at).AddRange(added);
                    break;
                case '\x91': // FROZENSET
                    Push(PickleSequenceKind.FrozenSet, PopToMark(at));
                    break;
                case '}': // EMPTY_DICT
                    _containers++;
                    _stack.Add(new PickleDict());
                    break;
                case 'd': // DICT
                    var dict = new PickleDict();
                    _containers++;
                    SetItems(dict, PopToMark(at), at);
                    _stack.Add(dict);
                    break;
                case 's': // SETITEM
                    List<object?> pair = PopMany(2, at);
                    SetItems(Peek(at), pair, at);
                    break;
                case 'u': // SETITEMS
                    List<object?> pairs = PopToMark(at);
                    SetItems(Peek(at), pairs, at);
                    break;

                case 'q': // BINPUT
                    _memo[input.ReadByte()] = Peek(at);
                    break;
                case 'r': // LONG_BINPUT
                    _memo[input.ReadUInt32()] = Peek(at);
                    break;
                case '\x94': // MEMOIZE
                    _memo[(uint)_memo.Count] = Peek(at);
                    break;
                case 'h': // BINGET
                    _stack.Add(Recall(input.ReadByte(), at));
                    break;
                case 'j': // LONG_BINGET
                    _stack.Add(Recall(input.ReadUInt32(), at));
                    break;

                case 'c': // GLOBAL
                    string module = input.ReadLine();
                    _stack.Add(Global(module, input.ReadLine(), at));
                    break;
                case '\x93': // STACK_GLOBAL
                    List<object?> names = PopMany(2, at);
                    _stack.Add(names is [string first, string second] ? Global(first, second, at) : throw Malformed("a name in the pickle is no text", at));
                    break;
                case 'R' or '\x81': // REDUCE, NEWOBJ: what may be called means the same either way
                    List<object?> call = PopMany(2, at);
                    _stack.Add(TorchVocabulary.Call(call[0], Arguments(call[1], at), input.Path, at));
                    break;
                case 'b': // BUILD
                    object? state = Pop(at);
                    TorchVocabulary.Build(Peek(at), state, input.Path, at);
                    break;
                case 'Q': // BINPERSID
                    _stack.Add(loadStorage(Pop(at)));
                    break;

                default:
                    throw Rules.PickleOpcode.Broken($"the pickle uses opcode 0x{opcode:x2}, which no state dict needs", input.Path, at);
            }
        }
    }

    private object Global(string module, string name, long at) =>
        TorchVocabulary.Resolve(module, name) ?? throw TorchVocabulary.Refusal(module, name, isRoot: _stack.Count == 0, input.Path, at);

    // An integer that fits 64 bits is always a long, so that no reader of the records has to ask twice.
    private void PushInteger(byte[] littleEndian)
    {
        var value = new BigInteger(littleEndian);
        if (value >= long.MinValue && value <= long.MaxValue)
        {
            _stack.Add((long)value);
        }
        else
        {
            _stack.Add(value);
        }
    }

    private List<object?> Arguments(object? value, long at) =>
        value is PickleSequence { Kind: PickleSequenceKind.Tuple } tuple ? tuple.Items : throw Malformed("arguments are no tuple", at);

    private List<object?> TopSequence(PickleSequenceKind kind, long at) =>
        Peek(at) is PickleSequence sequence && sequence.Kind == kind ? sequence.Items : throw Malformed($"items are added to something that is no {kind}", at);

    private void SetItems(object? target, List<object?> items, long at)
    {
        if (target is not PickleDict dict || items.Count % 2 != 0)
        {
            throw Malformed("keys and values are set on something that is no dict, or come unpaired", at);
        }
        for (int i = 0; i < items.Count; i += 2)
        {
            if (!dict.TrySet(items[i], items[i + 1]))
            {
                throw Malformed($"the key {Printable.Quote(PythonText.Repr(items[i]))} of a dict is no name, or reads the same as another key", at);
            }
        }
    }

    private void Push(PickleSequenceKind kind, List<object?> items)
    {
        _containers++;
        _stack.Add(new PickleSequence(kind, items));
    }

    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private object? Peek(long at) => _stack.Count > Floor ? _stack[^1] : throw Malformed("a value is used where there is none", at);

    private object? Pop(long at)
    {
        object? value = Peek(at);
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private List<object?> PopMany(int count, long at)
    {
        if (_stack.Count - count < Floor)
        {
            throw Malformed("values are used where there are too few", at);
        }
        List<object?> values = _stack.GetRange(_stack.Count - count, count);
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private List<object?> PopToMark(long at)
    {
        if (_marks.Count == 0)
        {
            throw Malformed("a mark is used where there is none", at);
        }
        int mark = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        List<object?> values = _stack.GetRange(mark, _stack.Count - mark);
        _stack.RemoveRange(mark, _stack.Count - mark);
        return values;
    }

    private object? Recall(uint index, long at) =>
        _memo.TryGetValue(index, out object? value) ? value : throw Malformed($"memo entry {index} is used before it is set", at);

    private MemLoadException Malformed(string finding, long at) => Rules.PickleMalformed.Broken(finding, input.Path, at);
}
