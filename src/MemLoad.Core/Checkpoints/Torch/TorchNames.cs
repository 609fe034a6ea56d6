using System.Collections.Frozen;

namespace MemLoad;

/// <summary>
/// The names that a PyTorch state dict or training checkpoint needs, as PyTorch 2.6 writes them (torch/_utils.py, torch/_tensor.py,
/// torch/_weights_only_unpickler.py), and the names that are refused with a more precise reason.
/// </summary>
internal static class TorchNames
{
    /// <summary>The module of PyTorch, with the dot.</summary>
    public const string Prefix = "torch.";

    public const string OrderedDict = "collections.OrderedDict";
    public const string DefaultDict = "collections.defaultdict";
    public const string Counter = "collections.Counter";
    public const string RebuildTensor = "torch._utils._rebuild_tensor";
    public const string RebuildTensorV2 = "torch._utils._rebuild_tensor_v2";
    public const string RebuildTensorV3 = "torch._utils._rebuild_tensor_v3";
    public const string RebuildParameter = "torch._utils._rebuild_parameter";
    public const string RebuildParameterWithState = "torch._utils._rebuild_parameter_with_state";
    public const string RebuildFromType = "torch._tensor._rebuild_from_type_v2";
    public const string RebuildDevice = "torch._utils._rebuild_device_tensor_from_cpu_tensor";
    public const string Size = "torch.Size";
    public const string Device = "torch.device";
    public const string GetLayout = "torch.serialization._get_layout";
    public const string Encode = "_codecs.encode";
    public const string Set = "builtins.set";
    public const string FrozenSet = "builtins.frozenset";
    public const string ComplexNumber = "builtins.complex";
    public const string ByteArray = "builtins.bytearray";
    public const string NumpyScalar = "numpy.core.multiarray.scalar";
    public const string NumpyDType = "numpy.dtype";

    // Names of types that are never called with an effect: the class of a tensor, the factory of a defaultdict.
    private static readonly FrozenSet<string> Types = new[]
    {
        "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "builtins.int", "builtins.float", "builtins.list",
        "builtins.dict", "builtins.str",
        // Python 3 writes int and str under their names of Python 2 for protocol 2.
        "builtins.long", "builtins.unicode", "builtins.bool", "builtins.bytes", "builtins.tuple",
    }.ToFrozenSet(StringComparer.Ordinal);

    // The classes of tensors from before PyTorch 0.4. They are values other than tensors, such as a type that a program remembers.
    private static readonly FrozenSet<string> TensorClasses = new[]
    {
        "FloatTensor", "DoubleTensor", "HalfTensor", "BFloat16Tensor", "LongTensor", "IntTensor", "ShortTensor", "CharTensor", "ByteTensor",
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
        "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "pip", "runpy", "importlib", "operator", "pickle", "_pickle",
        "ctypes", "code", "codeop", "webbrowser", "pty", "commands", "asyncio", "pkgutil", "timeit", "cProfile", "profile", "pdb", "bdb",
        "doctest", "idlelib", "venv", "ensurepip", "requests", "httplib", "aiohttp", "smtplib", "ftplib", "marshal", "imp", "torch.hub",
        "numpy.f2py", "numpy.testing._private", "distutils", "atexit",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly int LongestProgramModule = ProgramModules.Max(module => module.Length);

    private static readonly FrozenSet<string> ProgramBuiltins = new[]
    {
        "eval", "exec", "execfile", "compile", "__import__", "open", "breakpoint", "input", "apply", "getattr", "setattr", "globals",
        "locals", "vars",
    }.ToFrozenSet(StringComparer.Ordinal);

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
            return Rules.TensorKind.Broken($"the checkpoint contains {kind}", path, at);
        }
        if (RunsPrograms(module, name))
        {
            return Rules.PickleAttack.Broken($"the pickle names {Printable.Quote(full)}, which weights do not need", path, at);
        }
        bool wholeObject =
            isRoot || module.StartsWith("torch.nn.", StringComparison.Ordinal) || module.StartsWith("__torch__", StringComparison.Ordinal);
        return wholeObject
            ? Rules.PickledModule.Broken($"the file contains a pickled Python object ({Printable.Quote(full)}), not a state dict", path, at)
            : Rules.PickleGlobal.Broken($"the pickle names {Printable.Quote(full)}", path, at);
    }

    /// <summary>Whether a name is a function or class of the list that can be called.</summary>
    public static bool IsCallable(string name) => Callables.Contains(name);

    /// <summary>Whether a name is a class of containers, which are the same without their constructor if they are empty.</summary>
    public static bool IsContainer(string name) => name is OrderedDict or DefaultDict or Counter or Set or FrozenSet or ByteArray;

    /// <summary>The kind of tensor that a function creates, if it is refused and takes only plain values; null otherwise.</summary>
    public static string? RefusedKind(string name) => Refusable.Contains(name) ? OtherTensors[name] : null;

    /// <summary>Whether a name is a type of the list that is not called with an effect.</summary>
    public static bool IsType(string? name) => name is not null && Types.Contains(name);

    /// <summary>Whether a name is of numpy.</summary>
    public static bool IsNumpy(string? name) => name is NumpyScalar or NumpyDType;

    /// <summary>
    /// Returns the kind of tensor that a function creates if it is not a plain tensor with data; null for other functions.
    /// </summary>
    public static string? OtherTensorKind(string? name) =>
        name is not null && !name.EndsWith("Storage", StringComparison.Ordinal) ? OtherTensors.GetValueOrDefault(name) : null;

    /// <summary>The position of the hooks among the arguments of a function that makes a tensor; -1 if it has none.</summary>
    public static int HooksOf(string name) => name switch
    {
        RebuildTensorV2 or RebuildTensorV3 => 5,
        RebuildParameter or RebuildParameterWithState => 2,
        _ => -1,
    };

    /// <summary>Whether a name is of a module or function that runs programs.</summary>
    public static bool RunsPrograms(string module, string name)
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
}
