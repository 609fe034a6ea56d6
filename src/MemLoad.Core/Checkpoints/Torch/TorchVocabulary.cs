using System.Collections.Frozen;
using System.Numerics;
using System.Text;

namespace MemLoad;

/// <summary>
/// The allowlist: every name that a PyTorch state dict or training checkpoint needs, and its record. Names and argument orders are those of
/// PyTorch 2.6 (torch/_utils.py, torch/_tensor.py, torch/_weights_only_unpickler.py). It belongs to one pickle.
/// </summary>
internal sealed class TorchVocabulary : IPickleVocabulary
{
    private const string OrderedDict = "collections.OrderedDict";
    private const string DefaultDict = "collections.defaultdict";
    private const string Counter = "collections.Counter";
    private const string RebuildTensor = "torch._utils._rebuild_tensor";
    private const string RebuildTensorV2 = "torch._utils._rebuild_tensor_v2";
    private const string RebuildTensorV3 = "torch._utils._rebuild_tensor_v3";
    private const string RebuildParameter = "torch._utils._rebuild_parameter";
    private const string RebuildParameterWithState = "torch._utils._rebuild_parameter_with_state";
    internal const string RebuildFromType = "torch._tensor._rebuild_from_type_v2";
    private const string RebuildDevice = "torch._utils._rebuild_device_tensor_from_cpu_tensor";
    private const string Size = "torch.Size";
    private const string Device = "torch.device";
    private const string GetLayout = "torch.serialization._get_layout";
    private const string Encode = "_codecs.encode";
    private const string Set = "builtins.set";
    private const string FrozenSet = "builtins.frozenset";
    private const string ComplexNumber = "builtins.complex";
    private const string ByteArray = "builtins.bytearray";
    private const string NumpyScalar = "numpy.core.multiarray.scalar";
    private const string NumpyDType = "numpy.dtype";

    // Names of types that are never called with an effect: the class of a tensor, the factory of a defaultdict.
    private static readonly FrozenSet<string> Types = new[]
    {
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer",
        "builtins.int",
        "builtins.float",
        "builtins.list",
        "builtins.dict",
        "builtins.str",
        // Python 3 writes int and str under their names of Python 2 for protocol 2.
        "builtins.long", "builtins.unicode", "builtins.bool", "builtins.bytes", "builtins.tuple",
    }.ToFrozenSet(StringComparer.Ordinal);

    // The classes of tensors from before PyTorch 0.4. They are values other than tensors, such as a type that a program remembers.
    private static readonly FrozenSet<string> TensorClasses = new[]
    {
        "FloatTensor",
        "DoubleTensor",
        "HalfTensor",
        "BFloat16Tensor",
        "LongTensor",
        "IntTensor",
        "ShortTensor",
        "CharTensor",
        "ByteTensor",
        "BoolTensor",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Callables = new[]
    {
        OrderedDict,
        DefaultDict,
        Counter,
        RebuildTensor,
        RebuildTensorV2,
        RebuildTensorV3,
        RebuildParameter,
        RebuildParameterWithState,
        RebuildFromType,
        RebuildDevice,
        Size,
        Device,
        GetLayout,
        Encode,
        Set,
        FrozenSet,
        ComplexNumber,
        ByteArray,
        NumpyScalar,
        NumpyDType,
    }.ToFrozenSet(StringComparer.Ordinal);

    // A pickle with these names tries to run code. The list affects only the message. Every name that is not allowed is refused.
    private static readonly FrozenSet<string> ProgramModules = new[]
    {
        "os",
        "posix",
        "nt",
        "subprocess",
        "sys",
        "shutil",
        "socket",
        "pip",
        "runpy",
        "importlib",
        "operator",
        "pickle",
        "_pickle",
        "ctypes",
        "code",
        "codeop",
        "webbrowser",
        "pty",
        "commands",
        "asyncio",
        "pkgutil",
        "timeit",
        "cProfile",
        "profile",
        "pdb",
        "bdb",
        "doctest",
        "idlelib",
        "venv",
        "ensurepip",
        "requests",
        "httplib",
        "aiohttp",
        "smtplib",
        "ftplib",
        "marshal",
        "imp",
        "torch.hub",
        "numpy.f2py",
        "numpy.testing._private",
        "distutils",
        "atexit",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly int LongestProgramModule = ProgramModules.Max(module => module.Length);

    private static readonly FrozenSet<string> ProgramBuiltins = new[]
    {
        "eval",
        "exec",
        "execfile",
        "compile",
        "__import__",
        "open",
        "breakpoint",
        "input",
        "apply",
        "getattr",
        "setattr",
        "globals",
        "locals",
        "vars",
    }.ToFrozenSet(StringComparer.Ordinal);

    private const string TorchPrefix = "torch.";

    // Methods of OrderedDict. An attribute with the same name would replace them.
    private static readonly FrozenSet<string> DictNames = new[]
    {
        "clear", "copy", "fromkeys", "get", "items", "keys", "move_to_end", "pop", "popitem", "setdefault", "update", "values",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Layouts = new[]
    {
        "torch.strided",
        "torch.sparse_coo",
        "torch.sparse_csr",
        "torch.sparse_csc",
        "torch.sparse_bsr",
        "torch.sparse_bsc",
        "torch._mkldnn",
        "torch.jagged",
    }.ToFrozenSet(StringComparer.Ordinal);

    // From c10/core/Device.cpp. An index has eight bits.
    private const int MostDevices = 127;

    private static readonly FrozenSet<string> DeviceTypes = new[]
    {
        "cpu",
        "cuda",
        "ipu",
        "xpu",
        "mkldnn",
        "opengl",
        "opencl",
        "ideep",
        "hip",
        "ve",
        "fpga",
        "maia",
        "xla",
        "lazy",
        "vulkan",
        "mps",
        "meta",
        "hpu",
        "mtia",
        "privateuseone",
    }.ToFrozenSet(StringComparer.Ordinal);

    // PyTorch computes with fewer dimensions. A short pickle could copy a long shape many times.
    private const int MostDimensions = 64;
    private const int LongestWord = 64;
    private const long LongestNumpyText = 1 << 16;

    // Maximum bytes of the record of a call, without dimensions and items.
    private const int CallOverhead = TensorReference.Overhead + 24;

    // MemLoad loads only dense tensors. It refuses other tensors with their PyTorch names.
    private static readonly FrozenDictionary<string, string> OtherTensors = new Dictionary<string, string>
    {
        ["torch._utils._rebuild_sparse_tensor"] = "a sparse tensor",
        ["torch._utils._rebuild_sparse_csr_tensor"] = "a sparse tensor",
        ["torch._utils._rebuild_qtensor"] = "a quantized tensor",
        ["torch.QUInt4x2Storage"] = "a quantized tensor",
        ["torch.QUInt2x4Storage"] = "a quantized tensor",
        ["torch._utils._rebuild_meta_tensor_no_storage"] = "a meta tensor, which has no data",
        ["torch._utils._rebuild_nested_tensor"] = "a nested tensor",
        ["torch.nested._internal.nested_tensor._rebuild_njt"] = "a nested tensor",
        ["torch._utils._rebuild_wrapper_subclass"] = "a tensor subclass",
        ["torch._utils._rebuild_device_tensor_from_numpy"] = "a tensor of a device that PyTorch saves through numpy",
        ["torch.nn.parameter.UninitializedParameter"] = "an uninitialized parameter, which has no data",
        ["torch.nn.parameter.UninitializedBuffer"] = "an uninitialized buffer, which has no data",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // These functions take only plain values. Their result can therefore be left out, and the rest can be read.
    private static readonly FrozenSet<string> Refusable = new[]
    {
        "torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor", "torch._utils._rebuild_qtensor",
        "torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_nested_tensor",
    }.ToFrozenSet(StringComparer.Ordinal);

    // Most tensors have one of a few shapes. The last one of each remainder is kept for others like it.
    private const int KnownShapes = 32;
    private ImmutableArray<long>[]? _shapes;

    // Every tensor has an empty dict of hooks. Unless the pickle has memoized it, the next tensor gets the same.
    private PickleDict? _spareHooks;

    bool IPickleVocabulary.TakesRepeatedNames => true;

    object? IPickleVocabulary.Resolve(string module, string name, OpenBudget budget, string path, long at) => Resolve(module, name);

    MemLoadException IPickleVocabulary.RefusalOf(string module, string name, bool isRoot, string path, long at) =>
        Refusal(module, name, isRoot, path, at);

    object? IPickleVocabulary.Call(object? callee, PickleSequence arguments, OpenBudget budget, string path, long at) =>
        Call(callee, arguments, budget, path, at);

    object? IPickleVocabulary.Create(object? type, PickleSequence arguments, OpenBudget budget, string path, long at) =>
        Create(type, arguments, budget, path, at);

    void IPickleVocabulary.Build(object? target, object? state, OpenBudget budget, string path, long at) => Build(target, state, path, at);

    /// <summary>Returns the record for a name, or null if the name is not on the list.</summary>
    public static object? Resolve(string module, string name)
    {
        // Python 2 and numpy 2 use other names for some of these items.
        string full = (module, name) switch
        {
            ("__builtin__", _) => $"builtins.{name}",
            ("numpy._core.multiarray", "scalar") => NumpyScalar,
            _ => $"{module}.{name}",
        };
        if (Callables.Contains(full) || Types.Contains(full) || Refusable.Contains(full))
        {
            return new PickleGlobal(full);
        }
        if (module is "torch" or "torch.cuda" && TensorClasses.Contains(name))
        {
            return new PickleGlobal(full);
        }
        if (full == "torch.storage.UntypedStorage")
        {
            return new StorageType(null);
        }
        if (module is "torch" or "torch.cuda" && ElementOf(name) is DType element)
        {
            return new StorageType(element);
        }
        if (module == "torch" && QuantizedElementOf(name) is DType number)
        {
            return new StorageType(number, IsQuantized: true);
        }
        if (module != "torch")
        {
            return null;
        }
        bool constant =
            (DTypes.TryFromTorchName(name, out DType type) && type.IsOfPyTorch())
            || name
                is "per_tensor_affine"
                    or "per_channel_affine"
                    or "per_tensor_symmetric"
                    or "per_channel_symmetric"
                    or "per_channel_affine_float_qparams"
            || name is "qint8" or "quint8" or "qint32" or "quint4x2" or "quint2x4"
            || name is "strided" or "sparse_coo" or "sparse_csr" or "sparse_csc" or "sparse_bsr" or "sparse_bsc" or "_mkldnn" or "jagged"
            || name is "contiguous_format" or "channels_last" or "channels_last_3d" or "preserve_format";
        return constant ? new TorchConstant($"torch.{name}") : null;
    }

    // The type of the elements of a class of storages.
    private static DType? ElementOf(string storage) => storage switch
    {
        "DoubleStorage" => DType.Float64,
        "FloatStorage" => DType.Float32,
        "HalfStorage" => DType.Float16,
        "BFloat16Storage" => DType.BFloat16,
        "LongStorage" => DType.Int64,
        "IntStorage" => DType.Int32,
        "ShortStorage" => DType.Int16,
        "CharStorage" => DType.Int8,
        "ByteStorage" => DType.UInt8,
        "BoolStorage" => DType.Bool,
        "ComplexFloatStorage" => DType.Complex64,
        "ComplexDoubleStorage" => DType.Complex128,
        _ => null,
    };

    private static DType? QuantizedElementOf(string storage) => storage switch
    {
        "QInt8Storage" => DType.Int8,
        "QUInt8Storage" => DType.UInt8,
        "QInt32Storage" => DType.Int32,
        _ => null,
    };

    /// <summary>Returns the reason why a name is refused.</summary>
    public static MemLoadException Refusal(string module, string name, bool isRoot, string path, long at)
    {
        string full = $"{module}.{name}";
        if (OtherTensors.TryGetValue(full, out string? kind))
        {
            return Rules.TensorKind.Broken($"the checkpoint holds {kind}", path, at);
        }
        if (RunsPrograms(module, name))
        {
            return Rules.PickleAttack.Broken($"the pickle asks for {Printable.Quote(full)}, which no weights need", path, at);
        }
        bool wholeObject =
            isRoot || module.StartsWith("torch.nn.", StringComparison.Ordinal) || module.StartsWith("__torch__", StringComparison.Ordinal);
        return wholeObject
            ? Rules.PickledModule.Broken($"the file holds a pickled Python object ({Printable.Quote(full)}), not a state dict", path, at)
            : Rules.PickleGlobal.Broken($"the pickle asks for {Printable.Quote(full)}", path, at);
    }

    /// <summary>
    /// Returns the result of a call of a known name. It is the result in Python for the arguments that PyTorch and pickle write.
    /// </summary>
    /// <exception cref="MemLoadException">ML1013, ML3001, ML3006 or ML3011.</exception>
    public object? Call(object? callee, PickleSequence tuple, OpenBudget budget, string path, long at)
    {
        if (callee is not PickleGlobal { Name: string name } || !Callables.Contains(name))
        {
            if (callee is PickleGlobal { Name: string refused } && Refusable.Contains(refused))
            {
                budget.Spend(CallOverhead, path);
                return new RefusedTensor(OtherTensors[refused], at);
            }
            throw Rules.PickleMalformed.Broken($"{Printable.Quote(PythonText.Repr(callee))} is called, which is nothing to call", path, at);
        }
        ReadOnlySpan<object?> arguments = tuple.Items;
        budget.Spend(name is OrderedDict ? PickleDict.Overhead : CallOverhead, path);
        try
        {
            return name switch
            {
                OrderedDict => Ordered(arguments, budget, path),
                Counter => Counted(arguments, budget, path),
                DefaultDict => arguments is [] or [null or PickleGlobal]
                    ? new PickleDict(PickleDictKind.DefaultDict)
                    : throw new InvalidCastException(),
                RebuildTensor => Tensor(tuple, 4, dtype: null, budget, path),
                RebuildTensorV2 => Tensor(tuple, 6, dtype: null, budget, path),
                RebuildTensorV3 => Tensor(tuple, 7, NotNone<TorchConstant>(arguments[6]), budget, path),
                RebuildParameter => Parameter(arguments, 3),
                RebuildParameterWithState => WithState(Parameter(arguments, 4), arguments[3], path, at),
                RebuildFromType => FromType(arguments, budget, path, at),
                RebuildDevice => OfDevice(arguments),
                Size => SizeOf(arguments, budget, path),
                Device => DeviceOf(arguments, budget, path),
                GetLayout => arguments is [string layout] && Layouts.Contains(layout)
                    ? new TorchConstant(layout)
                    : throw new InvalidCastException(),
                Encode => arguments is [string text, string encoding]
                    ? Latin(text, encoding, budget, path)
                    : throw new InvalidCastException(),
                Set => Copy(arguments, PickleSequenceKind.Set, budget, path),
                FrozenSet => Copy(arguments, PickleSequenceKind.FrozenSet, budget, path),
                ComplexNumber => arguments is [double real, double imaginary]
                    ? new Complex(real, imaginary)
                    : throw new InvalidCastException(),
                ByteArray => new PickleSequence(PickleSequenceKind.ByteArray, [Bytes(arguments, budget, path)]),
                NumpyScalar => NumpyValue(arguments, budget, path),
                _ => NumpyTypeOf(arguments, budget, path),
            };
        }
        catch (Exception e) when (e is InvalidCastException or IndexOutOfRangeException or NullReferenceException or OverflowException)
        {
            throw Rules.PickleArguments.Broken($"'{name}' gets arguments of another form than PyTorch's", path, at, e);
        }
    }

    /// <summary>
    /// NEWOBJ creates an object without its constructor. For an empty container the result is the same. Other results would differ from a
    /// call.
    /// </summary>
    /// <exception cref="MemLoadException">ML1013, ML3001 or ML3006.</exception>
    public object? Create(object? type, PickleSequence tuple, OpenBudget budget, string path, long at)
    {
        bool isContainer = type is PickleGlobal { Name: OrderedDict or DefaultDict or Counter or Set or FrozenSet or ByteArray };
        if (isContainer && tuple.Count > 0)
        {
            throw Rules.PickleArguments.Broken(
                $"{Printable.Quote(PythonText.Repr(type))} is made without its constructor, which drops its arguments", path, at);
        }
        return isContainer || type is not PickleGlobal { Name: string name } || !Callables.Contains(name)
            ? Call(type, tuple, budget, path, at)
            : throw Rules.PickleArguments.Broken($"{Printable.Quote(PythonText.Repr(type))} is made without its constructor", path, at);
    }

    /// <summary>
    /// BUILD sets attributes. State dicts have <c>_metadata</c> as an attribute. Other attributes hold no weights and are ignored. On a
    /// tensor, BUILD replaces the storage. An attribute with the name of a method replaces the method. Both are refused.
    /// </summary>
    /// <exception cref="MemLoadException">ML3001 or ML3011.</exception>
    public static void Build(object? target, object? state, string path, long at)
    {
        switch (target)
        {
            case PickleDict { Kind: PickleDictKind.OrderedDict }:
                CheckAttributes(state, DictNames, path, at);
                break;
            case TensorReference:
                throw Rules.PickleState.Broken("a tensor is changed after it was made", path, at);
            case NumpyType type when IsPlainState(type, state):
                break;
            case NumpyType:
                throw Rules.PickleState.Broken("a type of numpy gets a state that is not plain little-endian", path, at);
            default:
                throw Rules.PickleMalformed.Broken($"attributes are set on {Printable.Quote(PythonText.Repr(target))}", path, at);
        }
    }

    /// <summary>Reads a persistent id: <c>("storage", type, key, location, count[, view])</c>.</summary>
    public static (string Key, StorageType Type, long Count) Storage(object? persistentId, string path)
    {
        if (persistentId is PickleSequence { Items: [string kind, ..] } && kind == "module")
        {
            throw Rules.PickledModule.Broken("the file holds a pickled module with its source code, not a state dict", path);
        }
        if (persistentId
                is not PickleSequence
                {
                    Kind: PickleSequenceKind.Tuple,
                    Items: ["storage", StorageType type, string key, string location, long count, ..] items
                }
            || items.Length > 6
            || (items.Length == 6 && items[5] is not null))
        {
            throw Rules.PickleArguments.Broken("a persistent id names no storage in the form PyTorch writes", path);
        }
        if (count < 0 || count > long.MaxValue / (type.DType?.ElementSize() ?? 1))
        {
            throw Rules.PickleArguments.Broken($"a persistent id gives storage {Printable.Quote(key)} {count} elements", path);
        }
        if (location == "meta")
        {
            throw Rules.TensorKind.Broken("the checkpoint holds a meta tensor, which has no data", path);
        }
        return (key, type, count);
    }

    private PickleDict Ordered(ReadOnlySpan<object?> arguments, OpenBudget budget, string path)
    {
        switch (arguments)
        {
            case []:
                PickleDict empty = _spareHooks ?? new PickleDict(PickleDictKind.OrderedDict);
                _spareHooks = null;
                return empty;
            case [PickleDict dict]:
                return PickleDict.Copy(PickleDictKind.OrderedDict, dict, budget, path);
            // Python 2 writes a list of [key, value].
            case [PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple } pairs]:
                budget.Spend(OpenBudget.Looking(pairs.Count), path);
                var filled = new PickleDict(PickleDictKind.OrderedDict);
                foreach (object? pair in pairs.Items)
                {
                    if (pair
                            is not PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple, Items: [var key, var value] }
                        || !filled.TrySet(key, value, budget, path))
                    {
                        throw new InvalidCastException();
                    }
                }
                return filled;
            default:
                throw new InvalidCastException();
        }
    }

    // Counter counts the items of a list. No pickle of a Counter uses this.
    private static PickleDict Counted(ReadOnlySpan<object?> arguments, OpenBudget budget, string path) => arguments switch
    {
        [] or [null] => new PickleDict(PickleDictKind.Counter),
        [PickleDict dict] => PickleDict.Copy(PickleDictKind.Counter, dict, budget, path),
        _ => throw new InvalidCastException(),
    };

    // Storage, offset, size, stride. Version 2 adds requires_grad, hooks and optional flags. Version 3 has a dtype before the flags.
    private TensorReference Tensor(PickleSequence tuple, int count, TorchConstant? dtype, OpenBudget budget, string path)
    {
        ReadOnlySpan<object?> arguments = tuple.Items;
        bool hasGradient = count > 4;
        if (arguments.Length < count || arguments.Length > (hasGradient ? count + 1 : count)
            || (hasGradient && (arguments[4] is not bool || arguments[5] is not (null or PickleDict))))
        {
            throw new InvalidCastException();
        }
        var storage = (StorageReference)arguments[0]!;
        if (storage.IsQuantized)
        {
            throw new InvalidCastException();
        }
        DType type = storage.DType ?? DType.UInt8;
        if (dtype is not null
            && !(
                dtype.Repr.StartsWith(TorchPrefix, StringComparison.Ordinal)
                && DTypes.TryFromTorchName(dtype.Repr[TorchPrefix.Length..], out type)
                && type.IsOfPyTorch()))
        {
            throw new InvalidCastException();
        }
        if (hasGradient && arguments[4] is true)
        {
            CheckGradient(type);
        }
        LazyView lazy = arguments.Length > count ? Flags(arguments[count], type) : LazyView.None;
        if (hasGradient
            && !tuple.IsKept
            && arguments[5] is PickleDict { Kind: PickleDictKind.OrderedDict, IsKept: false, Items.Count: 0 } hooks
            && hooks.TryClear())
        {
            _spareHooks = hooks;
        }
        return new TensorReference(storage.Storage.References, storage.Storage.Place, type, (long)arguments[1]!,
            Numbers(arguments[2], budget, path), Numbers(arguments[3], budget, path), lazy);
    }

    // PyTorch tests whether a flag exists, not whether it is true. It has more flags than the two that it writes.
    private static LazyView Flags(object? flags, DType type)
    {
        LazyView lazy = LazyView.None;
        if (flags is null)
        {
            return lazy;
        }
        var dict = (PickleDict)flags;
        foreach ((string name, object? value) in dict.Items)
        {
            lazy |= (name, value) switch
            {
                ("conj", true) when type.IsComplex() => LazyView.Conjugate,
                ("neg", true) when type.IsComplex() || type is DType.Float32 or DType.Float64 or DType.Float16 or DType.BFloat16 =>
                    LazyView.Negative,
                _ => throw new InvalidCastException(),
            };
        }
        // For complex32, PyTorch resolves only one of the two flags.
        return dict.HasTextKeysOnly && (type != DType.Complex32 || lazy != (LazyView.Conjugate | LazyView.Negative))
            ? lazy
            : throw new InvalidCastException();
    }

    private static void CheckGradient(DType type)
    {
        if (!type.IsFloatingPoint() && !type.IsComplex() && type != DType.Float4E2M1FNX2)
        {
            throw new InvalidCastException();
        }
    }

    // Data, requires_grad, hooks. The result is another tensor of the same storage.
    private static object Parameter(ReadOnlySpan<object?> arguments, int count)
    {
        if (arguments.Length != count || arguments[1] is not bool needsGradient || arguments[2] is not (null or PickleDict))
        {
            throw new InvalidCastException();
        }
        if (arguments[0] is RefusedTensor refused)
        {
            return refused;
        }
        TensorReference data = NotNone<TensorReference>(arguments[0]);
        if (needsGradient)
        {
            CheckGradient(data.DType);
        }
        return data;
    }

    // Data, dtype, device, requires_grad: a tensor of XLA or another device, which PyTorch saves through the host. PyTorch converts to the
    // dtype, so it must be that of the data.
    private static TensorReference OfDevice(ReadOnlySpan<object?> arguments)
    {
        if (arguments is not [TensorReference data, TorchConstant dtype, string { Length: <= LongestWord }, bool needsGradient]
            || dtype.Repr != TorchPrefix + data.DType.TorchName())
        {
            throw new InvalidCastException();
        }
        if (needsGradient)
        {
            CheckGradient(data.DType);
        }
        return data;
    }

    private object FromType(ReadOnlySpan<object?> arguments, OpenBudget budget, string path, long at)
    {
        // A tensor with Python attributes: function, class, arguments, attributes.
        if (arguments.Length != 4 || arguments[2] is not PickleSequence { Kind: PickleSequenceKind.Tuple } inner)
        {
            throw new InvalidCastException();
        }
        var type = (PickleGlobal)arguments[1]!;
        // Nested calls would exceed the stack.
        if (arguments[0] is PickleGlobal { Name: RebuildFromType }
            || !Types.Contains(type.Name)
            || !type.Name.StartsWith(TorchPrefix, StringComparison.Ordinal))
        {
            throw new InvalidCastException();
        }
        return WithState(Tensors(Call(arguments[0], inner, budget, path, at)), arguments[3], path, at);
    }

    private static object Tensors(object? made) => made is TensorReference or RefusedTensor ? made : throw new InvalidCastException();

    // The attributes of a tensor: a dict, or a dict and a second dict with slots.
    private static object WithState(object tensor, object? state, string path, long at)
    {
        if (state is PickleSequence { Kind: PickleSequenceKind.Tuple, Items: [var attributes, var slots] })
        {
            CheckAttributes(attributes, TensorAttributes.Names, path, at);
            CheckAttributes(slots, TensorAttributes.Names, path, at);
        }
        else
        {
            CheckAttributes(state, TensorAttributes.Names, path, at);
        }
        return tensor;
    }

    private static void CheckAttributes(object? state, FrozenSet<string> taken, string path, long at)
    {
        if (state is null && taken != DictNames)
        {
            return;
        }
        if (state is not PickleDict { HasTextKeysOnly: true } attributes)
        {
            throw Rules.PickleState.Broken("the attributes of an object are no dict of names", path, at);
        }
        foreach ((string name, _) in attributes.Items)
        {
            if (name.StartsWith("__", StringComparison.Ordinal) || taken.Contains(name))
            {
                throw Rules.PickleState.Broken(
                    $"the attribute {Printable.Quote(name)} is set, which PyTorch or Python itself uses", path, at);
            }
        }
    }

    /// <summary>Whether the state of a type of numpy is that of a plain number or text.</summary>
    internal static bool IsPlainState(NumpyType type, object? state) => IsNativeOrder(state) || (type.TextBytes is > 0 && IsText(state));

    /// <summary>Whether a name is a type of the list that is not called with an effect.</summary>
    internal static bool IsType(string? name) => name is not null && Types.Contains(name);

    /// <summary>Whether a name is of numpy.</summary>
    internal static bool IsNumpy(string? name) => name is NumpyScalar or NumpyDType;

    /// <summary>
    /// Returns the kind of tensor that a function creates if it is not a plain tensor with data; null for other functions.
    /// </summary>
    internal static string? OtherTensorKind(string? name) =>
        name is not null && !name.EndsWith("Storage", StringComparison.Ordinal) ? OtherTensors.GetValueOrDefault(name) : null;

    /// <summary>The position of the hooks among the arguments of a function that makes a tensor; -1 if it has none.</summary>
    internal static int HooksOf(string name) => name switch
    {
        RebuildTensorV2 or RebuildTensorV3 => 5,
        RebuildParameter or RebuildParameterWithState => 2,
        _ => -1,
    };

    /// <summary>The arguments that a tensor keeps in addition to its data: attributes, and hooks that the pickle uses again.</summary>
    internal static IEnumerable<object?> AttachedBy(string? name, PickleSequence arguments) =>
        name is RebuildParameterWithState or RebuildFromType || (name is not null && HooksOf(name) >= 0) ? Attached(name, arguments) : [];

    private static IEnumerable<object?> Attached(string name, PickleSequence arguments)
    {
        if (name is RebuildParameterWithState or RebuildFromType && arguments.Count > 0)
        {
            yield return arguments.Items[^1];
        }
        if (HooksOf(name) is int hooks and >= 0 && hooks < arguments.Count && arguments.Items[hooks] is PickleDict { IsKept: true } kept)
        {
            yield return kept;
        }
    }

    // (version, byte order, subtype, names, fields, element size, alignment, flags) of a plain number.
    private static bool IsNativeOrder(object? state) =>
        state is PickleSequence { Kind: PickleSequenceKind.Tuple, Items: [3L or 4L, "<" or "|", null, null, null, -1L, -1L, 0L] };

    // The same for a text or for bytes, which state their size.
    private static bool IsText(object? state) =>
        state is PickleSequence
        {
            Kind: PickleSequenceKind.Tuple,
            Items: [3L, "<" or "|", null, null, null, >= 1L and <= LongestNumpyText, 1L or 4L, 0L or 8L],
        };

    private ImmutableArray<long> Numbers(object? value, OpenBudget budget, string path)
    {
        if (value is not PickleSequence { Kind: PickleSequenceKind.Tuple or PickleSequenceKind.Size, Count: <= MostDimensions } tuple)
        {
            throw new InvalidCastException();
        }
        const ulong Factor = 31;
        ReadOnlySpan<object?> items = tuple.Items;
        ulong hash = 0;
        foreach (object? item in items)
        {
            hash = unchecked((hash * Factor) + (ulong)(long)item!);
        }
        _shapes ??= new ImmutableArray<long>[KnownShapes];
        ref ImmutableArray<long> known = ref _shapes[hash % KnownShapes];
        if (known.IsDefault || !AreEqual(known.AsSpan(), items))
        {
            budget.Spend(32 + (sizeof(long) * items.Length), path);
            long[] numbers = new long[items.Length];
            for (int i = 0; i < numbers.Length; i++)
            {
                numbers[i] = (long)items[i]!;
            }
            known = ImmutableCollectionsMarshal.AsImmutableArray(numbers);
        }
        return known;
    }

    private static bool AreEqual(ReadOnlySpan<long> known, ReadOnlySpan<object?> items)
    {
        for (int i = 0; i < items.Length && items.Length == known.Length; i++)
        {
            if (known[i] != (long)items[i]!)
            {
                return false;
            }
        }
        return items.Length == known.Length;
    }

    private static PickleSequence Copy(ReadOnlySpan<object?> arguments, PickleSequenceKind kind, OpenBudget budget, string path) =>
        arguments switch
        {
            [] => new PickleSequence(kind, []),
            [PickleSequence { Kind: not PickleSequenceKind.ByteArray } source] => PickleSequence.Copy(kind, source.Items, budget, path),
            _ => throw new InvalidCastException(),
        };

    private static PickleSequence SizeOf(ReadOnlySpan<object?> arguments, OpenBudget budget, string path)
    {
        if (arguments
            is not [PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple or PickleSequenceKind.Size } dimensions])
        {
            throw new InvalidCastException();
        }
        foreach (object? dimension in dimensions.Items)
        {
            _ = (long)dimension!;
        }
        return PickleSequence.Copy(PickleSequenceKind.Size, dimensions.Items, budget, path);
    }

    // 'cuda', 'cuda:0', or 'cuda' and 0. Each device has one text form.
    private static TorchConstant DeviceOf(ReadOnlySpan<object?> arguments, OpenBudget budget, string path)
    {
        string word = Word(arguments[0], budget, path);
        budget.Spend(4 * OpenBudget.Text(2 * LongestWord), path);
        int colon = word.IndexOf(':', StringComparison.Ordinal);
        string type = colon < 0 ? word : word[..colon];
        long? index = null;
        if (colon >= 0)
        {
            // Without leading zeros.
            ReadOnlySpan<char> digits = word.AsSpan(colon + 1);
            index =
                digits is ['0'] or [>= '1' and <= '9', ..]
                && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long parsed)
                    ? parsed
                    : throw new InvalidCastException();
        }
        if (arguments.Length == 2)
        {
            index = index is null ? (long)arguments[1]! : throw new InvalidCastException();
        }
        if (arguments.Length > 2 || index is < 0 or > MostDevices || !DeviceTypes.Contains(type))
        {
            throw new InvalidCastException();
        }
        return index is null
            ? new TorchConstant($"device(type='{type}')") { Text = type }
            : new TorchConstant($"device(type='{type}', index={index})") { Text = $"{type}:{index}" };
    }

    // A cast accepts None.
    private static T NotNone<T>(object? value)
        where T : class => value as T ?? throw new InvalidCastException();

    private static string Word(object? value, OpenBudget budget, string path)
    {
        budget.Spend(OpenBudget.Text(2 * LongestWord), path);
        return value is string { Length: <= LongestWord } word ? word : throw new InvalidCastException();
    }

    internal static bool RunsPrograms(string module, string name)
    {
        if (module is "builtins" or "__builtin__")
        {
            return ProgramBuiltins.Contains(name);
        }
        // The module, or a parent module. A file can have a name of a thousand parts.
        int first = module.Length <= LongestProgramModule ? module.Length : module.LastIndexOf('.', LongestProgramModule);
        for (int end = first; end > 0; end = module.LastIndexOf('.', end - 1))
        {
            if (ProgramModules.Contains(module[..end]))
            {
                return true;
            }
        }
        return false;
    }

    private static object Bytes(ReadOnlySpan<object?> arguments, OpenBudget budget, string path) => arguments switch
    {
        [] => Array.Empty<byte>(),
        [byte[] or LatinText] => arguments[0]!,
        [string text, string encoding] => Latin(text, encoding, budget, path), // protocol 2
        _ => throw new InvalidCastException(),
    };

    // Charged as the bytes that Python creates, because the same text can be used many times.
    private static LatinText Latin(string text, string encoding, OpenBudget budget, string path)
    {
        budget.Spend(text.Length, path);
        return encoding is "latin1" or "latin-1" && text.AsSpan().IndexOfAnyExceptInRange('\0', '\xff') < 0
            ? new LatinText(text)
            : throw new InvalidCastException();
    }

    // The code, false for no alignment, and true for a copy. The last two have no effect.
    private static NumpyType NumpyTypeOf(ReadOnlySpan<object?> arguments, OpenBudget budget, string path) =>
        arguments is [string] or [string, false or 0L, true or 1L]
            ? new NumpyType(Word(arguments[0], budget, path))
            : throw new InvalidCastException();

    private static object? NumpyValue(ReadOnlySpan<object?> arguments, OpenBudget budget, string path)
    {
        if (arguments
            is not [NumpyType type, byte[] { LongLength: <= LongestNumpyText } or LatinText { Text.Length: <= (int)LongestNumpyText }])
        {
            throw new InvalidCastException();
        }
        byte[] bytes = arguments[1] is LatinText latin ? Encoding.Latin1.GetBytes(latin.Text) : (byte[])arguments[1]!;
        budget.Spend(2 * OpenBudget.Text(bytes.Length), path);
        return (type.Code, bytes.Length) switch
        {
            ("f8", 8) => BitConverter.ToDouble(bytes),
            ("f4", 4) => (double)BitConverter.ToSingle(bytes),
            ("f2", 2) => (double)BitConverter.ToHalf(bytes),
            ("i8", 8) => BitConverter.ToInt64(bytes),
            ("i4", 4) => (long)BitConverter.ToInt32(bytes),
            ("i2", 2) => (long)BitConverter.ToInt16(bytes),
            ("i1", 1) => (long)(sbyte)bytes[0],
            ("u8", 8) when BitConverter.ToUInt64(bytes) is ulong number => number <= long.MaxValue
                ? (object)(long)number
                : new BigInteger(number),
            ("u4", 4) => (long)BitConverter.ToUInt32(bytes),
            ("u2", 2) => (long)BitConverter.ToUInt16(bytes),
            ("u1", 1) => (long)bytes[0],
            ("c8", 8) => new Complex(BitConverter.ToSingle(bytes), BitConverter.ToSingle(bytes, 4)),
            ("c16", 16) => new Complex(BitConverter.ToDouble(bytes), BitConverter.ToDouble(bytes, 8)),
            ("b1", 1) => bytes[0] != 0,
            (['S', ..], int length) when length == type.TextBytes => bytes.AsSpan().TrimEnd((byte)0).ToArray(),
            (['U', ..], int length) when length == type.TextBytes => Encoding.UTF32.GetString(bytes).TrimEnd('\0'),
            _ => throw new InvalidCastException(),
        };
    }

    /// <summary>Returns the remedy for a tensor that is not a plain tensor, which also says how to read the rest of the file.</summary>
    public static Remedy RemedyFor(string kind, string name)
    {
        string python = kind switch
        {
            "a sparse tensor" => "to_dense()",
            "a quantized tensor" => "dequantize()",
            "a nested tensor" => "to_padded_tensor(0.0)",
            _ => "",
        };
        string plain =
            python.Length > 0 ? $"In Python, replace the tensor t by t.{python}, and call torch.save again."
            : kind.StartsWith("a bare storage", StringComparison.Ordinal)
                ? "In Python, save a tensor of the storage: torch.tensor(storage)."
            : kind.StartsWith("a set", StringComparison.Ordinal)
                ? "In Python, replace the set s by list(s), and call torch.save again."
            : "Save the checkpoint from the program that has the data of the tensor.";
        return $"{plain} To read the rest of the file, leave this one out: {(Setting.Exclude, TypedPath.Of(name))}.";
    }

    /// <summary>The class of a storage in a persistent id. UntypedStorage has no dtype.</summary>
    internal sealed record StorageType(DType? DType, bool IsQuantized = false);
}
