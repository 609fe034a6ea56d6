using System.Buffers.Binary;
using System.Text;

namespace MemLoad.Fuzz;

/// <summary>
/// Writes random pickles with every construct that MemLoad's reader knows. Most of them are sound, and some have unusual parts. Containers
/// are copied, shared and changed later. Keys are equal across types. All functions that rebuild tensors are used with flags, hooks and
/// states. BUILD is applied to any object.
/// </summary>
internal sealed class PickleGrammar
{
    private enum Kind
    {
        Tensor,
        Storage,
        Dict,
        List,
        Tuple,
        Set,
        Other,
    }

    private const int Deepest = 4;

    private static readonly string[] Names = ["a", "b", "w", "bias", "h.0", "1", "True", "", "é", "it's", "a\"b", "data", "0"];
    private static readonly string[] Attributes =
    [
        "tag",
        "_metadata",
        "data",
        "real",
        "imag",
        "grad",
        "requires_grad",
        "_backward_hooks",
        "items",
        "keys",
        "values",
        "__class__",
        "__dict__",
        "shape",
        "T",
        "numel",
        "_is_param",
        "detach",
        "names",
    ];
    private static readonly string[] DTypes =
    [
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "int8",
        "uint8",
        "int16",
        "int32",
        "int64",
        "bool",
        "complex64",
        "complex128",
        "complex32",
        "float8_e4m3fn",
        "float8_e5m2",
        "uint16",
        "uint32",
        "uint64",
    ];

    private readonly Dice _dice;
    private readonly bool _legacy;
    private readonly bool _wide;
    private readonly List<byte> _out = [0x80, 2];
    private readonly List<(Kind Kind, int Index)> _known = [];
    private readonly List<string> _keys = [];
    private int _next;
    private int _values;

    /// <param name="dice">The source of random choices.</param>
    /// <param name="legacy">Whether persistent ids are those of before PyTorch 1.6.</param>
    public PickleGrammar(Dice dice, bool legacy)
    {
        _dice = dice;
        _legacy = legacy;
        // Whether opcodes of later protocols are used, which only Python's own unpickler reads.
        _wide = dice.OneIn(8);
        if (_wide)
        {
            _out[1] = 4;
        }
    }

    /// <summary>The keys of the storages that the pickle names, each once.</summary>
    public IReadOnlyCollection<string> Keys => _keys;

    /// <summary>Creates the pickle.</summary>
    public byte[] Make()
    {
        switch (_dice.Below(12))
        {
            case 0:
                Tensor(1);
                break;
            case 1:
                List(1);
                break;
            case 2:
                Tuple(1);
                break;
            default:
                Dict(1);
                break;
        }
        Op('.');
        return [.. _out];
    }

    private void Value(int depth)
    {
        _values++;
        if (_values > 60 || depth > Deepest)
        {
            Scalar();
            return;
        }
        switch (_dice.Below(24))
        {
            case < 9:
                Tensor(depth);
                break;
            case < 13:
                Dict(depth + 1);
                break;
            case < 15:
                List(depth + 1);
                break;
            case 15:
                Tuple(depth + 1);
                break;
            case 16:
                Set(depth + 1);
                break;
            case < 20:
                Again();
                break;
            case 20 when _dice.OneIn(6):
                Odd(depth + 1);
                break;
            default:
                Scalar();
                break;
        }
    }

    // Writes a value that the pickle has memoized, and in most cases an operation on it.
    private void Again()
    {
        if (_known.Count == 0)
        {
            Scalar();
            return;
        }
        (Kind kind, int index) = _dice.Of(_known);
        if (kind == Kind.Storage && !_dice.OneIn(20))
        {
            Scalar();
            return;
        }
        Get(index);
        if (_dice.OneIn(3))
        {
            return;
        }
        switch (kind)
        {
            case Kind.Dict:
                Entries(Deepest);
                if (_dice.OneIn(6))
                {
                    State(Deepest, tensor: false);
                    Op('b');
                }
                break;
            case Kind.List:
                Value(Deepest);
                Op('a');
                break;
            case Kind.Tensor when _dice.OneIn(12):
                Build(Deepest);
                break;
            case Kind.Set when _wide:
                Op('(');
                Scalar();
                Op('\x90');
                break;
        }
    }

    private void Odd(int depth)
    {
        switch (_dice.Below(9))
        {
            case 0: // a list that is read as pairs, or whose items are counted
                Global("collections\nCounter");
                Call(1, () => Copyable(depth));
                break;
            case 1:
                Global(
                    _dice.Of([
                        "collections\nOrderedDict",
                        "collections\nCounter",
                        "builtins\nset",
                        "torch\nSize",
                        "torch.nn.parameter\nParameter",
                        "torch\nTensor",
                        "builtins\nbytearray",
                        "builtins\ncomplex",
                    ]));
                Arguments(_dice.Below(3), () => Value(depth));
                Op('\x81');
                break;
            case 2:
                Value(depth);
                Build(depth);
                break;
            case 3:
                Storage();
                break;
            case 4:
                Global(
                    _dice.Of([
                        "collections\ndefaultdict",
                        "builtins\nfrozenset",
                        "torch\ndevice",
                        "torch.serialization\n_get_layout",
                        "_codecs\nencode",
                    ]));
                Call(_dice.Below(3), Scalar);
                break;
            case 5:
                Value(depth);
                Value(depth);
                Value(depth);
                Op('\x87');
                break;
            case 6:
                Value(depth);
                Key(depth);
                Value(depth);
                Op('s');
                break;
            case 7 when _wide:
                Value(depth);
                Op('2');
                Op('0');
                break;
            default:
                Global(
                    _dice.Of(["torch\nfloat32", "torch\nTensor", "collections\nOrderedDict", "torch\nper_tensor_affine", "torch\nqint8"]));
                break;
        }
    }

    private void Dict(int depth)
    {
        switch (_dice.Below(_wide ? 14 : 12))
        {
            case < 5:
                Op('}');
                break;
            case < 9:
                Global("collections\nOrderedDict");
                Op(')');
                Op('R');
                break;
            case 9:
                Global(_dice.Of(["collections\nOrderedDict", "collections\nCounter"]));
                Call(_dice.OneIn(100) ? 2 : 1, () => Copyable(depth));
                break;
            case 10:
                Global("collections\nOrderedDict");
                Call(1, () => Pairs(depth));
                break;
            case 11:
                Global(_dice.Of(["collections\nOrderedDict", "collections\nCounter"]));
                Op(')');
                Op(_dice.OneIn(2) ? '\x81' : 'R');
                break;
            case 12:
                Global("collections\ndefaultdict");
                Call(_dice.OneIn(20) ? 2 : _dice.Below(2), () =>
                {
                    switch (_dice.Below(20))
                    {
                        case 0:
                            Value(depth);
                            break;
                        case < 8:
                            Op('N');
                            break;
                        default:
                            Global("builtins\nint");
                            break;
                    }
                });
                break;
            default:
                Op('(');
                for (int i = _dice.Below(3); i > 0; i--)
                {
                    Key(depth);
                    Value(depth);
                }
                Op('d');
                break;
        }
        KeepOpen(Kind.Dict);
        Entries(depth);
        if (_dice.OneIn(14))
        {
            State(depth, tensor: false);
            Op('b');
        }
        Keep(Kind.Dict);
    }

    private void Entries(int depth)
    {
        int count = _dice.Below(4);
        if (_dice.OneIn(2))
        {
            Op('(');
            for (int i = 0; i < count; i++)
            {
                Key(depth);
                Value(depth);
            }
            Op('u');
            return;
        }
        for (int i = 0; i < count; i++)
        {
            Key(depth);
            Value(depth);
            Op('s');
        }
    }

    // Writes the argument that a constructor copies: a new dict, or a known dict that can change later.
    private void Copyable(int depth)
    {
        (Kind Kind, int Index)[] dicts = [.. _known.Where(known => known.Kind == Kind.Dict || (known.Kind == Kind.List && _dice.OneIn(4)))];
        if (dicts.Length > 0 && !_dice.OneIn(3))
        {
            Get(_dice.Of(dicts).Index);
        }
        else if (_dice.OneIn(40))
        {
            Value(depth);
        }
        else
        {
            Op('}');
            Keep(Kind.Dict);
            Entries(depth);
        }
    }

    private void Pairs(int depth)
    {
        Op(']');
        Keep(Kind.List);
        Op('(');
        for (int i = _dice.Below(4); i > 0; i--)
        {
            bool list = _dice.OneIn(3);
            if (list)
            {
                Op(']');
                Op('(');
            }
            Key(depth);
            Value(depth);
            Op(list ? 'e' : '\x86');
        }
        Op('e');
    }

    private void List(int depth)
    {
        Op(']');
        KeepOpen(Kind.List);
        if (_dice.OneIn(2))
        {
            Op('(');
            for (int i = _dice.Below(4); i > 0; i--)
            {
                Value(depth);
            }
            Op('e');
        }
        else
        {
            Value(depth);
            Op('a');
        }
        if (_wide && _dice.OneIn(4))
        {
            Op('0');
            Op('(');
            Value(depth);
            Op('l');
        }
        Keep(Kind.List);
    }

    private void Tuple(int depth)
    {
        int count = _dice.Below(5);
        Arguments(count, () => Value(depth));
        Keep(Kind.Tuple);
    }

    private void Set(int depth)
    {
        if (_wide && _dice.OneIn(2))
        {
            bool frozen = _dice.OneIn(2);
            if (!frozen)
            {
                Op('\x8f');
            }
            Op('(');
            for (int i = _dice.Below(3); i > 0; i--)
            {
                Scalar();
            }
            Op(frozen ? '\x91' : '\x90');
        }
        else
        {
            Global("builtins\nset");
            Call(1, () => Copied(depth));
        }
        Keep(Kind.Set);
    }

    // Writes the items of a set: a list of hashable values, which can be known and can change later.
    private void Copied(int depth)
    {
        if (_dice.OneIn(30))
        {
            List(Math.Max(depth, Deepest));
            return;
        }
        Op(']');
        Keep(Kind.List);
        Op('(');
        for (int i = _dice.Below(4); i > 0; i--)
        {
            Scalar();
        }
        Op('e');
    }

    private void Scalar()
    {
        switch (_dice.Below(10))
        {
            case 0:
                Op('N');
                break;
            case 1:
                Op(_dice.OneIn(2) ? '\x88' : '\x89');
                break;
            case < 5:
                Number(_dice.Of([0L, 1, 2, 255, 256, 65536, -1, int.MinValue, 1L << 40, long.MaxValue]));
                break;
            case 5:
                Float();
                break;
            case 6:
                Global("_codecs\nencode");
                Call(2, () => Text("ab"), () => Text(_dice.OneIn(50) ? "utf-8" : "latin1"));
                break;
            default:
                Text(_dice.Of(Names));
                break;
        }
    }

    private void Key(int depth)
    {
        switch (_dice.Below(40))
        {
            case 0 or 1:
                Number(_dice.Below(2));
                break;
            case 2:
                Op(_dice.OneIn(2) ? '\x88' : '\x89');
                break;
            case 3 or 4:
                Float();
                break;
            case 5:
                Op('N');
                break;
            case 6:
                Global("_codecs\nencode");
                Call(2, () => Text(_dice.Of(["a", "'", "\xff"])), () => Text("latin1"));
                break;
            case 7 or 8 when depth < 2 * Deepest:
                Arguments(1 + _dice.Below(2), () => Key(depth + Deepest));
                break;
            case 9:
                _out.AddRange([0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 128, 0]); // 2 to the 63rd
                break;
            case 10:
                _out.AddRange([0x8a, (byte)1, (byte)_dice.Below(2)]);
                break;
            case 11:
                Global("builtins\ncomplex");
                Call(2, Float);
                break;
            case 12:
                Global($"torch\n{_dice.Of(DTypes)}");
                break;
            case 13:
                Global("torch\ndevice");
                Call(
                    1 + _dice.Below(2),
                    () => Text(_dice.OneIn(30) ? _dice.Of(["cuda:0", "nothing"]) : _dice.Of(["cpu", "cuda"])),
                    () => Number(0));
                break;
            case 14:
                Dimensions([1, 2], size: true);
                break;
            case 15 when _dice.OneIn(12):
                Value(depth + 1);
                break;
            case 16 when _known.Count > 0 && _dice.OneIn(8):
                Get(_dice.Of(_known).Index);
                break;
            default:
                Text(_dice.Of(Names));
                break;
        }
    }

    private void Float()
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(
            bytes,
            _dice.Of([
                0.0,
                -0.0,
                1.0,
                2.5,
                1e15,
                1e16,
                123456789012345.6,
                1234567890123456.0,
                1e-5,
                0.0001,
                double.NaN,
                double.PositiveInfinity,
                9223372036854775808.0,
                0.1,
            ]));
        Op('G');
        _out.AddRange(bytes);
    }

    private void Tensor(int depth)
    {
        switch (_dice.Below(16))
        {
            case 0:
                Dense(1, depth);
                break;
            case < 8:
                Dense(2, depth);
                break;
            case < 11:
                Dense(3, depth);
                break;
            case < 13:
                Global("torch._utils\n_rebuild_parameter");
                Call(3, () => Data(depth), Gradient, () => Hooks(depth));
                break;
            case 13:
                Global("torch._utils\n_rebuild_parameter_with_state");
                Call(4, () => Data(depth), Gradient, () => Hooks(depth), () => State(depth, tensor: true));
                break;
            default:
                Global("torch._tensor\n_rebuild_from_type_v2");
                Op('(');
                int version = 2 + _dice.Below(2);
                Global(_dice.OneIn(100) ? "collections\nOrderedDict" : $"torch._utils\n_rebuild_tensor_v{version}");
                Global(_dice.OneIn(40) ? "torch.nn.parameter\nBuffer" : _dice.Of(["torch\nTensor", "torch.nn.parameter\nParameter"]));
                DenseArguments(version, depth);
                State(depth, tensor: true);
                Op('t');
                Op('R');
                break;
        }
        Keep(Kind.Tensor);
        if (_dice.OneIn(150))
        {
            Build(depth);
        }
    }

    private void Data(int depth)
    {
        (Kind Kind, int Index)[] tensors = [.. _known.Where(known => known.Kind == Kind.Tensor)];
        if (tensors.Length > 0 && _dice.OneIn(4))
        {
            Get(_dice.Of(tensors).Index);
        }
        else
        {
            Dense(2, depth);
            Keep(Kind.Tensor);
        }
    }

    private void Dense(int version, int depth)
    {
        Global(version == 1 ? "torch._utils\n_rebuild_tensor" : $"torch._utils\n_rebuild_tensor_v{version}");
        DenseArguments(version, depth);
        Op('R');
    }

    private void DenseArguments(int version, int depth)
    {
        Op('(');
        TorchFile.Storage storage = Storage();
        int elementBytes = storage.ElementBytes;
        string? dtype = null;
        if (version == 3)
        {
            dtype = _dice.Of(DTypes);
            elementBytes = BytesOf(dtype);
        }
        int elements = storage.Count == 0 ? 0 : 32 / elementBytes;
        (long offset, long[] shape, long[] strides) = View(elements);
        Number(offset);
        Dimensions(shape, size: _dice.OneIn(8));
        Dimensions(strides, size: false);
        if (version > 1)
        {
            Gradient();
            Hooks(depth);
        }
        if (dtype is not null)
        {
            Global($"torch\n{dtype}");
        }
        bool isComplex = dtype?.StartsWith("complex", StringComparison.Ordinal)
            ?? storage.Class.Contains("Complex", StringComparison.Ordinal);
        bool isFloat =
            isComplex || (dtype?.Contains("float", StringComparison.Ordinal) ?? storage.Class.Contains("Float", StringComparison.Ordinal));
        if (version > 1 && isFloat ? _dice.OneIn(5) : _dice.OneIn(80))
        {
            Flags(depth, isComplex);
        }
        Op('t');
    }

    // Returns a view that is inside the storage in most cases.
    private (long Offset, long[] Shape, long[] Strides) View(int elements)
    {
        for (int tries = 0; ; tries++)
        {
            int dimensions = _dice.Below(4);
            long offset = _dice.Below(3);
            long[] shape = [.. Enumerable.Range(0, dimensions).Select(_ => (long)_dice.Below(5))];
            long[] strides = [.. shape.Select(_ => (long)_dice.Below(4))];
            long end = offset + shape.Zip(strides, (size, stride) => (size - 1) * stride).Sum() + 1;
            if (shape.Contains(0) || (end <= elements && elements > 0) || tries > 200)
            {
                return (offset, shape, strides);
            }
        }
    }

    private void Dimensions(long[] numbers, bool size)
    {
        if (size)
        {
            Global("torch\nSize");
            Call(1, () => Dimensions(numbers, size: false));
            return;
        }
        if (_dice.OneIn(400))
        {
            Op(']');
            Op('(');
            foreach (long number in numbers)
            {
                Number(number);
            }
            Op('e');
            return;
        }
        int next = 0;
        Arguments(numbers.Length, () => Number(numbers[next++]));
        if (_dice.OneIn(4))
        {
            Keep(Kind.Tuple);
        }
    }

    private void Gradient()
    {
        switch (_dice.Below(30))
        {
            case 0 when _dice.OneIn(8):
                Number(1);
                break;
            case 1 or 2 when _dice.OneIn(3):
                Op('\x88');
                break;
            case 4 when _dice.OneIn(8):
                Op('N');
                break;
            default:
                Op('\x89');
                break;
        }
    }

    private void Hooks(int depth)
    {
        switch (_dice.Below(16))
        {
            case 0:
                Op('N');
                break;
            case 1:
                Copyable(depth);
                break;
            case 2 when _dice.OneIn(4):
                Value(Math.Max(depth, Deepest));
                break;
            default:
                Global("collections\nOrderedDict");
                Op(')');
                Op('R');
                break;
        }
    }

    private void Flags(int depth, bool isComplex)
    {
        switch (_dice.Below(8))
        {
            case 0:
                Op('N');
                break;
            case 1:
                Op('}');
                break;
            case 2:
                Copyable(depth);
                break;
            default:
                Op('}');
                Op('(');
                for (int i = 1 + _dice.Below(2); i > 0; i--)
                {
                    Text(isComplex && _dice.OneIn(2) ? "conj" : _dice.OneIn(30) ? _dice.Of(["conj", "zerotensor", "Neg"]) : "neg");
                    switch (_dice.Below(40))
                    {
                        case 0:
                            Op('\x89');
                            break;
                        case 1:
                            Number(_dice.Below(2));
                            break;
                        case 2:
                            Op('N');
                            break;
                        default:
                            Op('\x88');
                            break;
                    }
                }
                Op('u');
                break;
        }
    }

    private void State(int depth, bool tensor)
    {
        switch (_dice.Below(20))
        {
            case 0 or 4 when tensor:
                Op('N');
                break;
            case 1 when _dice.OneIn(8):
                Op(')');
                break;
            case 2 or 5 when tensor || _dice.OneIn(8):
                NamedValues(depth);
                NamedValues(depth);
                Op('\x86');
                break;
            case 3 when _dice.OneIn(8):
                Value(Math.Max(depth, Deepest));
                break;
            default:
                NamedValues(depth);
                break;
        }
    }

    private void NamedValues(int depth)
    {
        Op('}');
        Op('(');
        for (int i = _dice.Below(3); i > 0; i--)
        {
            if (_dice.OneIn(100))
            {
                Key(depth);
            }
            else
            {
                Text(_dice.OneIn(12) ? _dice.Of(Attributes) : _dice.Of(["tag", "_metadata", "é", "persistent"]));
            }
            Value(depth + 1);
        }
        Op('u');
    }

    private void Build(int depth)
    {
        switch (_dice.Below(4))
        {
            case 0:
                Op(')');
                break;
            case 1:
                State(depth, tensor: true);
                break;
            default:
                Op('(');
                TorchFile.Storage storage = Storage();
                (long offset, long[] shape, long[] strides) = View(storage.Count);
                Number(offset);
                Dimensions(shape, size: false);
                Dimensions(strides, size: false);
                Op('t');
                break;
        }
        Op('b');
    }

    private TorchFile.Storage Storage()
    {
        TorchFile.Storage storage = _dice.Of(TorchFile.Storages);
        if (_legacy && storage.Class.Contains("Untyped", StringComparison.Ordinal))
        {
            storage = TorchFile.Storages[0];
        }
        if (!_keys.Contains(storage.Key))
        {
            _keys.Add(storage.Key);
        }
        bool odd = _dice.OneIn(300);
        Op('(');
        Text("storage");
        Global((odd && _dice.OneIn(2)) || (storage.Count == 0 && _dice.OneIn(3)) ? _dice.Of(TorchFile.Storages).Class : storage.Class);
        Text(odd && _dice.OneIn(3) ? _dice.Of(TorchFile.Storages).Key : storage.Key);
        Text(_dice.OneIn(20) ? "cuda:0" : "cpu");
        Number(odd && _dice.OneIn(3) ? storage.Count - 1 : storage.Count);
        if (_legacy)
        {
            Op('N');
        }
        Op('t');
        Op('Q');
        if (_dice.OneIn(6))
        {
            Keep(Kind.Storage);
        }
        return storage;
    }

    private static int BytesOf(string dtype) => dtype switch
    {
        "complex128" => 16,
        "float64" or "int64" or "uint64" or "complex64" => 8,
        "float32" or "int32" or "uint32" or "complex32" => 4,
        "float16" or "bfloat16" or "int16" or "uint16" => 2,
        _ => 1,
    };

    private void Call(int count, params Action[] arguments)
    {
        int next = 0;
        Arguments(count, () => arguments[Math.Min(next++, arguments.Length - 1)]());
        Op('R');
    }

    private void Arguments(int count, Action argument)
    {
        if (count == 0)
        {
            Op(')');
            return;
        }
        bool marked = count > 3 || _dice.OneIn(2);
        if (marked)
        {
            Op('(');
        }
        for (int i = 0; i < count; i++)
        {
            argument();
        }
        Op(marked ? 't' : (char)(0x84 + count));
    }

    // Memoizes a container before it is filled, so that it can contain itself.
    private void KeepOpen(Kind kind)
    {
        if (_dice.OneIn(12))
        {
            Keep(kind);
        }
    }

    private void Keep(Kind kind)
    {
        if (_dice.OneIn(2) || _next > 250)
        {
            return;
        }
        if (_known.Count > 0 && _dice.OneIn(40))
        {
            // The value gets a number that was used before.
            int at = _dice.Below(_known.Count);
            _known[at] = (kind, _known[at].Index);
            _out.AddRange([(byte)'q', (byte)_known[at].Index]);
            return;
        }
        if (_wide && _dice.OneIn(2))
        {
            Op('\x94');
        }
        else if (_dice.OneIn(5))
        {
            _out.AddRange([(byte)'r', (byte)_next, 0, 0, 0]);
        }
        else
        {
            _out.AddRange([(byte)'q', (byte)_next]);
        }
        _known.Add((kind, _next++));
    }

    private void Get(int index)
    {
        if (_dice.OneIn(5))
        {
            _out.AddRange([(byte)'j', (byte)index, 0, 0, 0]);
        }
        else
        {
            _out.AddRange([(byte)'h', (byte)index]);
        }
    }

    private void Number(long value)
    {
        switch (value)
        {
            case >= 0 and < 256 when !_dice.OneIn(20):
                _out.AddRange([(byte)'K', (byte)value]);
                break;
            case >= 0 and < 65536 when _dice.OneIn(2):
                Op('M');
                _out.AddRange(BitConverter.GetBytes((ushort)value));
                break;
            case >= int.MinValue and <= int.MaxValue:
                Op('J');
                _out.AddRange(BitConverter.GetBytes((int)value));
                break;
            default:
                _out.AddRange([0x8a, 8]);
                _out.AddRange(BitConverter.GetBytes(value));
                break;
        }
    }

    private void Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (_dice.OneIn(12))
        {
            _out.AddRange([_wide ? (byte)0x8c : (byte)'U', (byte)bytes.Length]);
        }
        else
        {
            Op('X');
            _out.AddRange(BitConverter.GetBytes(bytes.Length));
        }
        _out.AddRange(bytes);
    }

    private void Global(string name)
    {
        if (_wide && _dice.OneIn(4))
        {
            foreach (string part in name.Split('\n'))
            {
                Text(part);
            }
            Op('\x93');
            return;
        }
        Op('c');
        _out.AddRange(Encoding.ASCII.GetBytes(name));
        Op('\n');
    }

    private void Op(char opcode) => _out.Add((byte)opcode);
}
