using System.Numerics;

namespace MemLoad;

/// <summary>
/// Reads one pickle (protocols 2 to 5, PEP 307, PEP 3154, PEP 574) into records. The machine implements the opcodes.
/// A vocabulary, <see cref="TorchVocabulary"/> by default, defines the allowed names and their meanings. No module is imported and no
/// code runs.
/// </summary>
internal sealed class PickleMachine(
    PickleInput input, Func<object?, object> loadStorage, PickleRecalls? recalls = null, IPickleVocabulary? vocabulary = null)
{
    private const int LargestInteger = 1 << 10;
    private const double Margin = 1.05; // for a guess

    private static readonly object True = true;
    private static readonly object False = false;

    private readonly FileBudget _budget = input.Budget;
    private readonly PickleMemo _memo = new(input.Budget);
    private readonly object?[] _numbers = new object?[64];
    private readonly Stack<PickleSequence>?[] _recycled = new Stack<PickleSequence>?[8];
    private readonly IPickleVocabulary _vocabulary = vocabulary ?? new TorchVocabulary(input.Budget);
    private readonly Stack<PickleDict> _recycledDicts = new();
    private uint _memoized;
    private object?[] _stack = new object?[64];
    private int _count;
    private int[] _marks = new int[16];
    private int _markCount;

    /// <summary>Reads to STOP and returns the value on top of the stack.</summary>
    /// <exception cref="MemLoadException">ML1005, ML1013 or ML3001 to ML3010.</exception>
    public object? Load(CancellationToken cancellationToken = default)
    {
        for (uint step = 0; ; step++)
        {
            if ((step & 0xfff) == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
            long at = input.Position;
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
                    return _count == 0 && _markCount == 0 ? result : throw Malformed("values are left over at the end of the pickle", at);

                case '(': // MARK
                    Mark();
                    break;
                case '0': // POP
                    Pop(at);
                    break;
                case '1': // POP_MARK
                    PopToMark(at);
                    break;
                case '2': // DUP
                    Push(Kept(Peek(at)));
                    break;

                case 'N':
                    Push(null);
                    break;
                case '\x88': // NEWTRUE
                    Push(True);
                    break;
                case '\x89': // NEWFALSE
                    Push(False);
                    break;
                case 'J': // BININT
                    PushNumber(input.ReadInt32());
                    break;
                case 'K': // BININT1
                    PushNumber(input.ReadByte());
                    break;
                case 'M': // BININT2
                    PushNumber(input.ReadUInt16());
                    break;
                case '\x8a': // LONG1
                    PushInteger(input.ReadFew(input.ReadByte()));
                    break;
                case '\x8b': // LONG4
                    int size = input.ReadInt32();
                    PushInteger(
                        size is >= 0 and <= LargestInteger
                            ? input.ReadBytes((ulong)size)
                            : throw Malformed($"an integer has {size} bytes", at));
                    break;
                case 'G': // BINFLOAT
                    _budget.Spend(24);
                    Push(input.ReadBigEndianDouble());
                    break;

                case '\x8c': // SHORT_BINUNICODE
                    Push(input.ReadUtf8(input.ReadByte()));
                    break;
                case 'X': // BINUNICODE
                    Push(input.ReadUtf8(input.ReadUInt32()));
                    break;
                case '\x8d': // BINUNICODE8
                    Push(input.ReadUtf8(input.ReadUInt64()));
                    break;
                case 'U': // SHORT_BINSTRING: text of Python 2
                    Push(input.ReadUtf8(input.ReadByte()));
                    break;
                case 'T': // BINSTRING
                    Push(input.ReadUtf8(input.ReadUInt32()));
                    break;
                case 'C': // SHORT_BINBYTES
                    Push(input.ReadBytes(input.ReadByte()));
                    break;
                case 'B': // BINBYTES
                    Push(input.ReadBytes(input.ReadUInt32()));
                    break;
                case '\x8e': // BINBYTES8
                    Push(input.ReadBytes(input.ReadUInt64()));
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
                    AddItems(PickleSequenceKind.List, [item], at);
                    break;
                case 'e': // APPENDS
                    AddItems(PickleSequenceKind.List, PopToMark(at), at);
                    break;
                case ')': // EMPTY_TUPLE
                    Push(PickleSequence.EmptyTuple);
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
                    AddItems(PickleSequenceKind.Set, PopToMark(at), at);
                    break;
                case '\x91': // FROZENSET
                    Push(PickleSequenceKind.FrozenSet, PopToMark(at));
                    break;
                case '}': // EMPTY_DICT
                    Push(NewDict());
                    break;
                case 'd': // DICT
                    var dict = new PickleDict(PickleDictKind.Dict);
                    _budget.Spend(PickleDict.Overhead);
                    SetItems(dict, PopToMark(at), at);
                    Push(dict);
                    break;
                case 's': // SETITEM
                    ReadOnlySpan<object?> pair = PopMany(2, at);
                    SetItems(Peek(at), pair, at);
                    break;
                case 'u': // SETITEMS
                    ReadOnlySpan<object?> pairs = PopToMark(at);
                    SetItems(Peek(at), pairs, at);
                    break;

                case 'q': // BINPUT
                    Keep(input.ReadByte(), at);
                    break;
                case 'r': // LONG_BINPUT
                    Keep(input.ReadUInt32(), at);
                    break;
                case '\x94': // MEMOIZE
                    Keep(recalls is null ? (uint)_memo.Count : _memoized++, at); // with recalls, nothing states a number
                    break;
                case 'h': // BINGET
                    Push(Recall(input.ReadByte(), at));
                    break;
                case 'j': // LONG_BINGET
                    Push(Recall(input.ReadUInt32(), at));
                    break;

                case 'c': // GLOBAL
                    string module = input.ReadLine();
                    Push(Global(module, input.ReadLine(), at));
                    break;
                case '\x93': // STACK_GLOBAL
                    ReadOnlySpan<object?> names = PopMany(2, at);
                    Push(
                        names is [string { Length: <= PickleInput.LongestLine } first, string { Length: <= PickleInput.LongestLine } second]
                            ? Global(first, second, at)
                            : throw Malformed("a name in the pickle is not text of reasonable length", at));
                    break;
                case 'R': // REDUCE
                    ReadOnlySpan<object?> call = PopMany(2, at);
                    PickleSequence arguments = Arguments(call[1], at);
                    object? made = _vocabulary.Call(call[0], arguments, at);
                    if (made is TensorReference or PickleSequence { Kind: PickleSequenceKind.Size })
                    {
                        Refund(arguments);
                    }
                    Push(made);
                    break;
                case '\x81': // NEWOBJ
                    ReadOnlySpan<object?> creation = PopMany(2, at);
                    Push(_vocabulary.Create(creation[0], Arguments(creation[1], at), at));
                    break;
                case 'b': // BUILD
                    object? state = Pop(at);
                    _vocabulary.Build(Peek(at), state, at);
                    RefundState(state);
                    break;
                case 'Q': // BINPERSID
                    object? id = Pop(at);
                    Push(loadStorage(id));
                    Refund(id);
                    break;

                default:
                    throw Rules.PickleOpcode.Broken($"the pickle uses opcode 0x{opcode:x2}, which state dicts do not need", input.Path, at);
            }
        }
    }

    private object Global(string module, string name, long at)
    {
        _budget.Spend(8 * FileBudget.Text(module.Length + name.Length));
        return _vocabulary.Resolve(module, name, at)
            ?? throw _vocabulary.RefusalOf(module, name, isRoot: _count == 0, at);
    }

    // An integer that fits 64 bits is always a long, so that readers of the records need only one test.
    private void PushInteger(ReadOnlySpan<byte> littleEndian)
    {
        var value = new BigInteger(littleEndian);
        if (value >= long.MinValue && value <= long.MaxValue)
        {
            PushNumber((long)value);
        }
        else
        {
            _budget.Spend(64 + littleEndian.Length);
            Push(value);
        }
    }

    // Dimensions and counts repeat often. The last boxed number of each residue is kept and reused.
    private void PushNumber(long value)
    {
        ref object? known = ref _numbers[value & (_numbers.Length - 1)];
        if (known is not long number || number != value)
        {
            _budget.Spend(24);
            known = value;
        }
        Push(known);
    }

    private PickleSequence Arguments(object? value, long at) =>
        value is PickleSequence { Kind: PickleSequenceKind.Tuple } tuple ? tuple : throw Malformed("arguments are not a tuple", at);

    private void AddItems(PickleSequenceKind kind, ReadOnlySpan<object?> items, long at)
    {
        object? target = Peek(at);
        if (target is PickleSequence sequence && sequence.Kind == kind)
        {
            sequence.Add(items, _budget);
            if (sequence.IsHeld)
            {
                _vocabulary.Hold(items);
            }
        }
        else if (!_vocabulary.TryAdd(target, items))
        {
            throw Malformed($"items are added to something that is not a {kind}", at);
        }
    }

    private void SetItems(object? target, ReadOnlySpan<object?> items, long at)
    {
        if (target is not PickleDict dict || items.Length % 2 != 0)
        {
            if (items.Length % 2 == 0 && _vocabulary.TryAdd(target, items))
            {
                return;
            }
            throw Malformed("keys and values are set on something that is not a dict, or are not in pairs", at);
        }
        if (recalls is not null) // without them, the end of the pickle is not known
        {
            double share = 1 - ((double)input.Remaining / input.Length); // that is read
            dict.ExpectedCount = (long)((dict.Items.Count + (items.Length / 2)) / share * Margin);
        }
        for (int i = 0; i < items.Length; i += 2)
        {
            if (!dict.TrySet(items[i], items[i + 1], _budget)
                && !_vocabulary.TrySetKey(dict, items[i], items[i + 1]))
            {
                if (items[i] is string || PythonKey.Identity(items[i], _budget) is not null)
                {
                    throw NameRepeated(items[i], at);
                }
                throw Malformed(
                    $"{Printable.Quote(PythonText.Repr(items[i]))} cannot be a key of a dict, or has the same text as another key", at);
            }
        }
        if (dict.HasRepeatedNames && !_vocabulary.TakesRepeatedNames)
        {
            throw NameRepeated(items[0], at);
        }
        if (dict.IsHeld)
        {
            _vocabulary.Hold(items);
        }
    }

    private void Push(PickleSequenceKind kind, ReadOnlySpan<object?> items)
    {
        _budget.Spend(Cost(items.Length));
        if (kind == PickleSequenceKind.Tuple && items.Length < _recycled.Length && _recycled[items.Length] is { Count: > 0 } spare)
        {
            PickleSequence tuple = spare.Pop();
            tuple.Reuse(items);
            Push(tuple);
            return;
        }
        Push(new PickleSequence(kind, items.ToArray()));
    }

    private void Push(object? value)
    {
        if (_count == _stack.Length)
        {
            _budget.Spend(2L * sizeof(long) * _count);
            Array.Resize(ref _stack, 2 * _count);
        }
        _stack[_count++] = value;
    }

    private void Mark()
    {
        if (_markCount == _marks.Length)
        {
            _budget.Spend(2L * sizeof(int) * _markCount);
            Array.Resize(ref _marks, 2 * _markCount);
        }
        _marks[_markCount++] = _count;
    }

    private int Floor => _markCount == 0 ? 0 : _marks[_markCount - 1];

    private object? Peek(long at) => _count > Floor ? _stack[_count - 1] : throw Malformed("a value is used but there is none", at);

    private object? Pop(long at)
    {
        object? value = Peek(at);
        _count--;
        return value;
    }

    // Popped items stay in the stack array until the next push.
    private ReadOnlySpan<object?> PopMany(int count, long at)
    {
        if (_count - count < Floor)
        {
            throw Malformed("values are used but there are too few", at);
        }
        _count -= count;
        return _stack.AsSpan(_count, count);
    }

    private ReadOnlySpan<object?> PopToMark(long at)
    {
        if (_markCount == 0)
        {
            throw Malformed("a mark is used but there is none", at);
        }
        int mark = _marks[--_markCount];
        ReadOnlySpan<object?> values = _stack.AsSpan(mark, _count - mark);
        _count = mark;
        return values;
    }

    private static long Cost(int items) => PickleSequence.Overhead + ((long)sizeof(long) * items);

    private static object? Kept(object? value)
    {
        if (value is PickleSequence sequence)
        {
            sequence.IsKept = true;
        }
        else if (value is PickleDict dict)
        {
            dict.IsKept = true;
        }
        else if (value is StorageReference storage)
        {
            storage.IsKept = true;
        }
        return value;
    }

    // A dict of attributes is not needed after they are set. Unless the pickle has memoized it, it is reused.
    private PickleDict NewDict()
    {
        if (_recycledDicts.TryPop(out PickleDict? recycled))
        {
            return recycled;
        }
        _budget.Spend(PickleDict.Overhead);
        return new PickleDict(PickleDictKind.Dict);
    }

    private void RefundState(object? state)
    {
        const int MostRecycled = 8;
        if (state is PickleDict { Kind: PickleDictKind.Dict, IsKept: false } dict && _recycledDicts.Count < MostRecycled && dict.TryClear())
        {
            _recycledDicts.Push(dict);
        }
        else if (state is PickleSequence { Kind: PickleSequenceKind.Tuple, IsKept: false } tuple)
        {
            Recycle(tuple);
        }
    }

    private void Keep(uint index, long at)
    {
        object? value = Peek(at);
        if (recalls is null || recalls.Contains(index))
        {
            _memo.Put(index, Kept(value));
        }
    }

    // The tuple that describes a tensor or a storage is not needed after it is read. Unless the pickle has memoized it, it is reused.
    private void Refund(object? value)
    {
        if (value is not PickleSequence { Kind: PickleSequenceKind.Tuple, IsKept: false } tuple)
        {
            return;
        }
        foreach (object? item in tuple.Items)
        {
            if (item is PickleSequence { Kind: PickleSequenceKind.Tuple, IsKept: false } inner)
            {
                Recycle(inner);
            }
            else if (item is StorageReference { IsKept: false } storage)
            {
                storage.Storage.References.Reuse(storage);
            }
        }
        Recycle(tuple);
    }

    private void Recycle(PickleSequence tuple)
    {
        _budget.Spend(-Cost(tuple.Count));
        if (tuple.Count < _recycled.Length)
        {
            (_recycled[tuple.Count] ??= new Stack<PickleSequence>()).Push(tuple);
        }
    }

    private object? Recall(uint index, long at) =>
        _memo.TryGet(index, out object? value) ? value : throw Malformed($"memo entry {index} is used before it is set", at);

    private MemLoadException NameRepeated(object? key, long at) => Rules.NameRepeated.Broken(
        $"two keys of a dict differ in Python and have the same name {Printable.Quote(PythonText.Key(key) ?? "")}", input.Path, at);

    private MemLoadException Malformed(string finding, long at) => Rules.PickleMalformed.Broken(finding, input.Path, at);
}
