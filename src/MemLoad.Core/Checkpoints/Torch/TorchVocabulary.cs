using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace MemLoad;

/// <summary>
/// The allow-list: every name a PyTorch state dict or training checkpoint needs, and what it means as a record. Names and argument
/// orders are those of PyTorch 2.6 (torch/_utils.py, torch/_tensor.py, torch/_weights_only_unpickler.py).
/// </summary>
internal static class TorchVocabulary
{
    private const string OrderedDict = "collections.OrderedDict";
    private const string DefaultDict = "collections.defaultdict";
    private const string Counter = "collections.Counter";
    private const string RebuildTensor = "torch._utils._rebuild_tensor";
    private const string RebuildTensorV2 = "torch._utils._rebuild_tensor_v2";
    private const string RebuildTensorV3 = "torch._utils._rebuild_tensor_v3";
    private const string RebuildParameter = "torch._utils._rebuild_parameter";
    private const string RebuildParameterWithState = "torch._utils._rebuild_parameter_with_state";
    private const string RebuildFromType = "torch._tensor._rebuild_from_type_v2";
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

    // Names that stand for a type and are never called with consequences: the class of a tensor, the factory of a defaultdict.
    private static readonly FrozenSet<string> Types = new[]
    {
        "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "builtins.int", "builtins.float", "builtins.list", "builtins.dict", "builtins.str",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Callables = new[]
    {
        OrderedDict, DefaultDict, Counter, RebuildTensor, RebuildTensorV2, RebuildTensorV3, RebuildParameter, RebuildParameterWithState, RebuildFromType,
        Size, Device, GetLayout, Encode, Set, FrozenSet, ComplexNumber, ByteArray, NumpyScalar, NumpyDType,
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, DType> StorageTypes = new Dictionary<string, DType>
    {
        ["DoubleStorage"] = DType.Float64,
        ["FloatStorage"] = DType.Float32,
        ["HalfStorage"] = DType.Float16,
        ["BFloat16Storage"] = DType.BFloat16,
        ["LongStorage"] = DType.Int64,
        ["IntStorage"] = DType.Int32,
        ["ShortStorage"] = DType.Int16,
        ["CharStorage"] = DType.Int8,
        ["ByteStorage"] = DType.UInt8,
        ["BoolStorage"] = DType.Bool,
        ["ComplexFloatStorage"] = DType.Complex64,
        ["ComplexDoubleStorage"] = DType.Complex128,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // Whoever names these means to run something. The list decides on the words of the refusal only: what is not allowed is refused anyway.
    private static readonly FrozenSet<string> ProgramModules = new[]
    {
        "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "pip", "runpy", "importlib", "operator", "pickle", "_pickle", "ctypes", "code", "codeop",
        "webbrowser", "pty", "commands", "asyncio", "pkgutil", "timeit", "cProfile", "profile", "pdb", "bdb", "doctest", "idlelib", "venv", "ensurepip",
        "requests", "httplib", "aiohttp", "smtplib", "ftplib", "marshal", "imp", "torch.hub", "numpy.f2py", "numpy.testing._private", "distutils", "atexit",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> ProgramBuiltins = new[]
    {
        "eval", "exec", "execfile", "compile", "__import__", "open", "breakpoint", "input", "apply", "getattr", "setattr", "globals", "locals", "vars",
    }.ToFrozenSet(StringComparer.Ordinal);

    // More than PyTorch computes on; and a short pickle could copy a long shape again and again.
    private const int MostDimensions = 64;
    private const int LongestWord = 64;

    // Bytes that the record of any call takes, at most, dimensions and items apart.
    private const int CallOverhead = TensorReference.Overhead + 24;

    // Dense tensors are all we load; the others are refused by the name a PyTorch user knows them by.
    private static readonly FrozenDictionary<string, string> OtherTensors = new Dictionary<string, string>
    {
        ["torch._utils._rebuild_sparse_tensor"] = "a sparse tensor",
        ["torch._utils._rebuild_sparse_csr_tensor"] = "a sparse tensor",
        ["torch._utils._rebuild_qtensor"] = "a quantized tensor",
        ["torch.QUInt8Storage"] = "a quantized tensor",
        ["torch.QInt8Storage"] = "a quantized tensor",
        ["torch.QInt32Storage"] = "a quantized tensor",
        ["torch.QUInt4x2Storage"] = "a quantized tensor",
        ["torch.QUInt2x4Storage"] = "a quantized tensor",
        ["torch._utils._rebuild_meta_tensor_no_storage"] = "a meta tensor, which has no data",
        ["torch._utils._rebuild_nested_tensor"] = "a nested tensor",
        ["torch.nested._internal.nested_tensor._rebuild_njt"] = "a nested tensor",
        ["torch._utils._rebuild_wrapper_subclass"] = "a tensor subclass",
        ["torch._utils._rebuild_device_tensor_from_numpy"] = "a tensor of a device that PyTorch saves through numpy",
        ["torch._utils._rebuild_device_tensor_from_cpu_tensor"] = "a tensor of a device that PyTorch saves through the host",
        ["torch.nn.parameter.UninitializedParameter"] = "an uninitialized parameter, which has no data",
        ["torch.nn.parameter.UninitializedBuffer"] = "an uninitialized buffer, which has no data",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The record for a name, or null if it is not on the list.</summary>
    public static object? Resolve(string module, string name)
    {
        // Python 2 and numpy 2 call some of the same things otherwise.
        string full = (module, name) switch
        {
            ("__builtin__", _) => $"builtins.{name}",
            ("numpy._core.multiarray", "scalar") => NumpyScalar,
            _ => $"{module}.{name}",
        };
        if (Callables.Contains(full) || Types.Contains(full))
        {
            return new PickleGlobal(full);
        }
        if (full == "torch.storage.UntypedStorage")
        {
            return new StorageType(null);
        }
        if (module is "torch" or "torch.cuda" && StorageTypes.TryGetValue(name, out DType dtype))
        {
            return new StorageType(dtype);
        }
        if (module != "torch")
        {
            return null;
        }
        bool constant = DTypes.TryFromTorchName(name, out _) || name is "per_tensor_affine" or "per_channel_affine" or "per_tensor_symmetric" or "per_channel_symmetric" or "per_channel_affine_float_qparams"
            || name is "qint8" or "quint8" or "qint32" or "quint4x2" or "quint2x4"
            || name is "strided" or "sparse_coo" or "sparse_csr" or "sparse_csc" or "sparse_bsr" or "sparse_bsc" or "_mkldnn" or "jagged";
        return constant ? new TorchConstant($"torch.{name}") : null;
    }

    /// <summary>Why a name is refused.</summary>
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
        bool wholeObject = isRoot || module.StartsWith("torch.nn.", StringComparison.Ordinal) || module.StartsWith("__torch__", StringComparison.Ordinal);
        return wholeObject
            ? Rules.PickledModule.Broken($"the file holds a pickled Python object ({Printable.Quote(full)}), not a state dict", path, at)
            : Rules.PickleGlobal.Broken($"the pickle asks for {Printable.Quote(full)}", path, at);
    }

    /// <summary>What a call of a known name gives.</summary>
    public static object? Call(object? callee, PickleSequence tuple, OpenBudget budget, string path, long at)
    {
        if (callee is not PickleGlobal { Name: string name } || !Callables.Contains(name))
        {
            throw Rules.PickleMalformed.Broken($"{Printable.Quote(PythonText.Repr(callee))} is called, which is nothing to call", path, at);
        }
        ReadOnlySpan<object?> arguments = tuple.Items;
        budget.Spend(name is OrderedDict ? PickleDict.Overhead : CallOverhead, path);
        try
        {
            return name switch
            {
                OrderedDict or Counter => Dict(arguments.Length == 0 ? null : arguments[0], budget, path),
                DefaultDict => new PickleDict(),
                RebuildTensor => Tensor(arguments, 4, dtype: null, budget, path),
                RebuildTensorV2 => Tensor(arguments, 6, dtype: null, budget, path),
                RebuildTensorV3 => Tensor(arguments, 7, NotNone<TorchConstant>(arguments[6]), budget, path),
                RebuildParameter => Parameter(arguments, 3),
                RebuildParameterWithState => Parameter(arguments, 4),
                RebuildFromType => FromType(arguments, budget, path, at),
                Size => ((PickleSequence)arguments[0]!).As(PickleSequenceKind.Tuple),
                Device => new TorchConstant(arguments.Length == 1 ? $"device(type='{Word(arguments[0], budget, path)}')" : $"device(type='{Word(arguments[0], budget, path)}', index={(long)arguments[1]!})"),
                GetLayout => new TorchConstant(Word(arguments[0], budget, path)),
                Encode => new LatinText(NotNone<string>(arguments[0])),
                Set => Copy(arguments, PickleSequenceKind.Set),
                FrozenSet => Copy(arguments, PickleSequenceKind.FrozenSet),
                ComplexNumber => new Complex((double)arguments[0]!, (double)arguments[1]!),
                ByteArray => new PickleSequence(PickleSequenceKind.ByteArray, [Bytes(arguments)]),
                NumpyScalar => NumpyValue(arguments),
                _ => new TorchConstant($"dtype('{Word(arguments[0], budget, path)}')"), // numpy.dtype
            };
        }
        catch (Exception e) when (e is InvalidCastException or IndexOutOfRangeException or NullReferenceException or OverflowException)
        {
            throw Rules.PickleArguments.Broken($"'{name}' gets arguments of another form than PyTorch's", path, at, e);
        }
    }

    /// <summary>BUILD sets attributes. State dicts carry <c>_metadata</c> that way; attributes hold no weights and are passed over.</summary>
    public static void Build(object? target, object? state, string path, long at)
    {
        _ = state;
        if (target is not (PickleDict or TensorReference or TorchConstant))
        {
            throw Rules.PickleMalformed.Broken($"attributes are set on {Printable.Quote(PythonText.Repr(target))}", path, at);
        }
    }

    /// <summary>Reads a persistent id: <c>("storage", type, key, location, count[, view])</c>.</summary>
    public static StorageReference Storage(object? persistentId, string path)
    {
        if (persistentId is PickleSequence { Items: [string kind, ..] } && kind == "module")
        {
            throw Rules.PickledModule.Broken("the file holds a pickled module with its source code, not a state dict", path);
        }
        if (persistentId is not PickleSequence { Kind: PickleSequenceKind.Tuple, Items: ["storage", StorageType type, string key, string location, long count, ..] items }
            || items.Length > 6 || (items.Length == 6 && items[5] is not null))
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
        return new StorageReference(key, type.DType, count);
    }

    private static PickleDict Dict(object? source, OpenBudget budget, string path)
    {
        switch (source)
        {
            case PickleDict dict:
                return dict;
            case PickleSequence pairs: // Python 2 writes an OrderedDict as a list of [key, value]
                budget.Spend(OpenBudget.Looking(pairs.Count), path);
                var filled = new PickleDict();
                foreach (object? pair in pairs.Items)
                {
                    ReadOnlySpan<object?> two = ((PickleSequence)pair!).Items;
                    if (!filled.TrySet(two[0], two[1], budget, path))
                    {
                        throw new InvalidCastException();
                    }
                }
                return filled;
            case null:
                return new PickleDict();
            default:
                throw new InvalidCastException();
        }
    }

    // Storage, offset, size, stride; from version 2 on also requires_grad and hooks; last, and not always, flags.
    private static TensorReference Tensor(ReadOnlySpan<object?> arguments, int count, TorchConstant? dtype, OpenBudget budget, string path)
    {
        object? metadata = arguments.Length > count ? arguments[count] : null;
        if (arguments.Length < count || arguments.Length > count + 1 || metadata is not (null or PickleDict)
            || (count > 4 && (arguments[4] is not bool || arguments[5] is not (null or PickleDict))))
        {
            throw new InvalidCastException();
        }
        var storage = (StorageReference)arguments[0]!;
        DType type = storage.DType ?? DType.UInt8;
        if (dtype is not null && !DTypes.TryFromTorchName(dtype.Repr["torch.".Length..], out type))
        {
            throw new InvalidCastException();
        }
        LazyView lazy = LazyView.None;
        if (metadata is PickleDict flags)
        {
            lazy = (flags.Get("conj") is true ? LazyView.Conjugate : 0) | (flags.Get("neg") is true ? LazyView.Negative : 0);
        }
        return new TensorReference(storage, type, (long)arguments[1]!, Numbers(arguments[2], budget, path), Numbers(arguments[3], budget, path), lazy);
    }

    private static TensorReference Parameter(ReadOnlySpan<object?> arguments, int count) => arguments.Length == count && arguments[1] is bool && arguments[2] is null or PickleDict
        ? NotNone<TensorReference>(arguments[0])
        : throw new InvalidCastException();

    private static TensorReference FromType(ReadOnlySpan<object?> arguments, OpenBudget budget, string path, long at)
    {
        // A tensor with Python attributes: (function, class, arguments, attributes).
        var type = (PickleGlobal)arguments[1]!;
        // A call inside a call inside a call … would end on the stack's guard page.
        if (arguments[0] is PickleGlobal { Name: RebuildFromType } || !Types.Contains(type.Name) || !type.Name.StartsWith("torch.", StringComparison.Ordinal))
        {
            throw new InvalidCastException();
        }
        return NotNone<TensorReference>(Call(arguments[0], (PickleSequence)arguments[2]!, budget, path, at));
    }

    private static ImmutableArray<long> Numbers(object? value, OpenBudget budget, string path)
    {
        if (value is not PickleSequence { Kind: PickleSequenceKind.Tuple, Count: <= MostDimensions } tuple)
        {
            throw new InvalidCastException();
        }
        budget.Spend(32 + (sizeof(long) * tuple.Count), path);
        long[] numbers = new long[tuple.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = (long)tuple.Items[i]!;
        }
        return ImmutableCollectionsMarshal.AsImmutableArray(numbers);
    }

    private static PickleSequence Copy(ReadOnlySpan<object?> arguments, PickleSequenceKind kind) =>
        arguments.Length == 0 ? new PickleSequence(kind, []) : ((PickleSequence)arguments[0]!).As(kind);

    // A cast lets None through.
    private static T NotNone<T>(object? value)
        where T : class => value as T ?? throw new InvalidCastException();

    private static string Word(object? value, OpenBudget budget, string path)
    {
        budget.Spend(OpenBudget.Text(2 * LongestWord), path);
        return value is string { Length: <= LongestWord } word ? word : throw new InvalidCastException();
    }

    private static bool RunsPrograms(string module, string name)
    {
        if (module is "builtins" or "__builtin__")
        {
            return ProgramBuiltins.Contains(name);
        }
        // The module itself, or one above it.
        for (int end = module.Length; end > 0; end = module.LastIndexOf('.', end - 1))
        {
            if (ProgramModules.Contains(module[..end]))
            {
                return true;
            }
        }
        return false;
    }

    private static object Bytes(ReadOnlySpan<object?> arguments) => arguments switch
    {
        [] => Array.Empty<byte>(),
        [byte[] or LatinText] => arguments[0]!,
        [string text, string] => new LatinText(text), // protocol 2
        _ => throw new InvalidCastException(),
    };

    private static object? NumpyValue(ReadOnlySpan<object?> arguments)
    {
        string dtype = ((TorchConstant)arguments[0]!).Repr;
        byte[] bytes = arguments[1] is LatinText { Text.Length: <= sizeof(double) } latin ? Encoding.Latin1.GetBytes(latin.Text) : (byte[])arguments[1]!;
        return (dtype, bytes.Length) switch
        {
            ("dtype('f8')", 8) => BitConverter.ToDouble(bytes),
            ("dtype('f4')", 4) => (double)BitConverter.ToSingle(bytes),
            ("dtype('i8')", 8) => BitConverter.ToInt64(bytes),
            ("dtype('i4')", 4) => (long)BitConverter.ToInt32(bytes),
            ("dtype('b1')", 1) => bytes[0] != 0,
            _ => throw new InvalidCastException(),
        };
    }

    /// <summary>The class of a storage in a persistent id; no dtype for UntypedStorage.</summary>
    internal sealed record StorageType(DType? DType);
}
