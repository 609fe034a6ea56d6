using System.Collections.Frozen;
using System.Numerics;

namespace MemLoad;

/// <summary>
/// The allowlist: the names of <see cref="TorchNames"/>, and the record that each gives. The order of arguments is that of PyTorch 2.6
/// (torch/_utils.py, torch/_tensor.py, torch/_weights_only_unpickler.py). It belongs to one pickle.
/// </summary>
/// <param name="budget">The budget of the file with the pickle.</param>
internal sealed class TorchVocabulary(FileBudget budget) : IPickleVocabulary
{
    // Maximum bytes of the record of a call, without dimensions and items.
    private const int CallOverhead = TensorReference.Overhead + 24;

    private static readonly FrozenSet<string> Layouts = new[]
    {
        "torch.strided", "torch.sparse_coo", "torch.sparse_csr", "torch.sparse_csc", "torch.sparse_bsr", "torch.sparse_bsc",
        "torch._mkldnn", "torch.jagged",
    }.ToFrozenSet(StringComparer.Ordinal);

    // Methods of OrderedDict. An attribute with the same name would replace them.
    private static readonly FrozenSet<string> DictNames = new[]
    {
        "clear", "copy", "fromkeys", "get", "items", "keys", "move_to_end", "pop", "popitem", "setdefault", "update", "values",
    }.ToFrozenSet(StringComparer.Ordinal);

    private readonly TensorRebuilder _tensors = new(budget);

    /// <inheritdoc/>
    public bool TakesRepeatedNames => true;

    /// <inheritdoc/>
    public object? Resolve(string module, string name, long at) => TorchNames.Resolve(module, name);

    /// <inheritdoc/>
    public MemLoadException RefusalOf(string module, string name, bool isRoot, long at) =>
        TorchNames.Refusal(module, name, isRoot, budget.Path, at);

    /// <summary>
    /// Returns the result of a call of a known name. It is the result in Python for the arguments that PyTorch and pickle write.
    /// </summary>
    /// <exception cref="MemLoadException">ML1013, ML3001, ML3006 or ML3011.</exception>
    public object? Call(object? callee, PickleSequence tuple, long at)
    {
        if (callee is not PickleGlobal { Name: string name } || !TorchNames.IsCallable(name))
        {
            if (callee is PickleGlobal { Name: string refused } && TorchNames.RefusedKind(refused) is string kind)
            {
                budget.Spend(CallOverhead);
                return new RefusedTensor(kind, at);
            }
            throw Rules.PickleMalformed.Broken(
                $"{Printable.Quote(PythonText.Repr(callee))} is called, which is not callable", budget.Path, at);
        }
        ReadOnlySpan<object?> arguments = tuple.Items;
        budget.Spend(name is TorchNames.OrderedDict ? PickleDict.Overhead : CallOverhead);
        try
        {
            return name switch
            {
                TorchNames.OrderedDict => Ordered(arguments),
                TorchNames.Counter => Counted(arguments),
                TorchNames.DefaultDict => arguments is [] or [null or PickleGlobal]
                    ? new PickleDict(PickleDictKind.DefaultDict)
                    : throw new InvalidCastException(),
                TorchNames.RebuildTensor => _tensors.Tensor(tuple, 4, dtype: null),
                TorchNames.RebuildTensorV2 => _tensors.Tensor(tuple, 6, dtype: null),
                TorchNames.RebuildTensorV3 => _tensors.Tensor(tuple, 7, CallArgument.NotNone<TorchConstant>(arguments[6])),
                TorchNames.RebuildParameter => TensorRebuilder.Parameter(arguments, 3),
                TorchNames.RebuildParameterWithState => WithState(TensorRebuilder.Parameter(arguments, 4), arguments[3], at),
                TorchNames.RebuildFromType => FromType(arguments, at),
                TorchNames.RebuildDevice => TensorRebuilder.OfDevice(arguments),
                TorchNames.Size => SizeOf(arguments),
                TorchNames.Device => TorchDevices.Of(arguments, budget),
                TorchNames.GetLayout => arguments is [string layout] && Layouts.Contains(layout)
                    ? new TorchConstant(layout)
                    : throw new InvalidCastException(),
                TorchNames.Encode => arguments is [string text, string encoding]
                    ? Latin(text, encoding)
                    : throw new InvalidCastException(),
                TorchNames.Set => Copy(arguments, PickleSequenceKind.Set),
                TorchNames.FrozenSet => Copy(arguments, PickleSequenceKind.FrozenSet),
                TorchNames.ComplexNumber => arguments is [double real, double imaginary]
                    ? new Complex(real, imaginary)
                    : throw new InvalidCastException(),
                TorchNames.ByteArray => new PickleSequence(PickleSequenceKind.ByteArray, [Bytes(arguments)]),
                TorchNames.NumpyScalar => NumpyScalars.Of(arguments, budget),
                _ => NumpyScalars.TypeOf(arguments, budget),
            };
        }
        catch (Exception e) when (e is InvalidCastException or IndexOutOfRangeException or NullReferenceException or OverflowException)
        {
            throw Rules.PickleArguments.Broken($"'{name}' has arguments in a form that PyTorch does not write", budget.Path, at, e);
        }
    }

    /// <summary>
    /// NEWOBJ creates an object without its constructor. For an empty container the result is the same. Other results would differ from a
    /// call.
    /// </summary>
    /// <exception cref="MemLoadException">ML1013, ML3001 or ML3006.</exception>
    public object? Create(object? type, PickleSequence tuple, long at)
    {
        bool isContainer = type is PickleGlobal { Name: string container } && TorchNames.IsContainer(container);
        if (isContainer && tuple.Count > 0)
        {
            throw Rules.PickleArguments.Broken(
                $"{Printable.Quote(PythonText.Repr(type))} is created without its constructor, which drops its arguments", budget.Path, at);
        }
        return isContainer || type is not PickleGlobal { Name: string name } || !TorchNames.IsCallable(name)
            ? Call(type, tuple, at)
            : throw Rules.PickleArguments.Broken(
                $"{Printable.Quote(PythonText.Repr(type))} is created without its constructor", budget.Path, at);
    }

    /// <summary>
    /// BUILD sets attributes. State dicts have <c>_metadata</c> as an attribute. Other attributes hold no weights and are ignored. On a
    /// tensor, BUILD replaces the storage. An attribute with the name of a method replaces the method. Both are refused.
    /// </summary>
    /// <exception cref="MemLoadException">ML3001 or ML3011.</exception>
    public void Build(object? target, object? state, long at)
    {
        switch (target)
        {
            case PickleDict { Kind: PickleDictKind.OrderedDict }:
                CheckAttributes(state, DictNames, at);
                break;
            case TensorReference:
                throw Rules.PickleState.Broken("a tensor is changed after its creation", budget.Path, at);
            case NumpyType type when NumpyScalars.IsPlainState(type, state):
                break;
            case NumpyType:
                throw Rules.PickleState.Broken("a type of numpy has a state that is not plain little-endian", budget.Path, at);
            default:
                throw Rules.PickleMalformed.Broken($"attributes are set on {Printable.Quote(PythonText.Repr(target))}", budget.Path, at);
        }
    }

    private PickleDict Ordered(ReadOnlySpan<object?> arguments)
    {
        switch (arguments)
        {
            case []:
                return _tensors.EmptyHooks();
            case [PickleDict dict]:
                return PickleDict.Copy(PickleDictKind.OrderedDict, dict, budget);
            // Python 2 writes a list of [key, value].
            case [PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple } pairs]:
                budget.Spend(FileBudget.Inspecting(pairs.Count));
                var filled = new PickleDict(PickleDictKind.OrderedDict);
                foreach (object? pair in pairs.Items)
                {
                    if (pair
                            is not PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple, Items: [var key, var value] }
                        || !filled.TrySet(key, value, budget))
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
    private PickleDict Counted(ReadOnlySpan<object?> arguments) => arguments switch
    {
        [] or [null] => new PickleDict(PickleDictKind.Counter),
        [PickleDict dict] => PickleDict.Copy(PickleDictKind.Counter, dict, budget),
        _ => throw new InvalidCastException(),
    };

    private object FromType(ReadOnlySpan<object?> arguments, long at)
    {
        // A tensor with Python attributes: function, class, arguments, attributes.
        if (arguments.Length != 4 || arguments[2] is not PickleSequence { Kind: PickleSequenceKind.Tuple } inner)
        {
            throw new InvalidCastException();
        }
        var type = (PickleGlobal)arguments[1]!;
        // Nested calls would exceed the stack.
        if (arguments[0] is PickleGlobal { Name: TorchNames.RebuildFromType }
            || !TorchNames.IsType(type.Name)
            || !type.Name.StartsWith(TorchNames.Prefix, StringComparison.Ordinal))
        {
            throw new InvalidCastException();
        }
        return WithState(Tensors(Call(arguments[0], inner, at)), arguments[3], at);
    }

    private static object Tensors(object? made) => made is TensorReference or RefusedTensor ? made : throw new InvalidCastException();

    // The attributes of a tensor: a dict, or a dict and a second dict with slots.
    private object WithState(object tensor, object? state, long at)
    {
        if (state is PickleSequence { Kind: PickleSequenceKind.Tuple, Items: [var attributes, var slots] })
        {
            CheckAttributes(attributes, TensorAttributes.Names, at);
            CheckAttributes(slots, TensorAttributes.Names, at);
        }
        else
        {
            CheckAttributes(state, TensorAttributes.Names, at);
        }
        return tensor;
    }

    private void CheckAttributes(object? state, FrozenSet<string> taken, long at)
    {
        if (state is null && taken != DictNames)
        {
            return;
        }
        if (state is not PickleDict { HasTextKeysOnly: true } attributes)
        {
            throw Rules.PickleState.Broken("the attributes of an object are not a dict of names", budget.Path, at);
        }
        foreach ((string name, _) in attributes.Items)
        {
            if (name.StartsWith("__", StringComparison.Ordinal) || taken.Contains(name))
            {
                throw Rules.PickleState.Broken(
                    $"the attribute {Printable.Quote(name)} is set, which PyTorch or Python itself uses", budget.Path, at);
            }
        }
    }

    private PickleSequence Copy(ReadOnlySpan<object?> arguments, PickleSequenceKind kind) =>
        arguments switch
        {
            [] => new PickleSequence(kind, []),
            [PickleSequence { Kind: not PickleSequenceKind.ByteArray } source] => PickleSequence.Copy(kind, source.Items, budget),
            _ => throw new InvalidCastException(),
        };

    private PickleSequence SizeOf(ReadOnlySpan<object?> arguments)
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
        return PickleSequence.Copy(PickleSequenceKind.Size, dimensions.Items, budget);
    }

    private object Bytes(ReadOnlySpan<object?> arguments) => arguments switch
    {
        [] => Array.Empty<byte>(),
        [byte[] or LatinText] => arguments[0]!,
        [string text, string encoding] => Latin(text, encoding), // protocol 2
        _ => throw new InvalidCastException(),
    };

    // Charged as the bytes that Python creates, because the same text can be used many times.
    private LatinText Latin(string text, string encoding)
    {
        budget.Spend(text.Length);
        return encoding is "latin1" or "latin-1" && text.AsSpan().IndexOfAnyExceptInRange('\0', '\xff') < 0
            ? new LatinText(text)
            : throw new InvalidCastException();
    }
}
