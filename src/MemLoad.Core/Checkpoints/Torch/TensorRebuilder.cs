namespace MemLoad;

/// <summary>
/// Makes tensors from the arguments of the functions of torch/_utils.py that rebuild them, in the order of PyTorch 2.6. It belongs to one
/// pickle. Arguments of another form are an <see cref="InvalidCastException"/>.
/// </summary>
/// <param name="budget">The budget that is charged with the shapes.</param>
internal sealed class TensorRebuilder(FileBudget budget)
{
    // PyTorch computes with fewer dimensions. A short pickle could copy a long shape many times.
    private const int MostDimensions = 64;

    // Most tensors have one of a few shapes. The last one of each remainder is kept for others like it.
    private const int KnownShapes = 32;
    private ImmutableArray<long>[]? _shapes;

    // Every tensor has an empty dict of hooks. Unless the pickle has memoized it, the next tensor gets the same.
    private PickleDict? _spareHooks;

    /// <summary>Returns an empty OrderedDict, which may be the one of an earlier tensor.</summary>
    public PickleDict EmptyHooks()
    {
        PickleDict empty = _spareHooks ?? new PickleDict(PickleDictKind.OrderedDict);
        _spareHooks = null;
        return empty;
    }

    /// <summary>
    /// Returns the tensor of storage, offset, size, stride. Version 2 adds requires_grad, hooks and optional flags. Version 3 has a dtype
    /// before the flags.
    /// </summary>
    public TensorReference Tensor(PickleSequence tuple, int count, TorchConstant? dtype)
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
                dtype.Repr.StartsWith(TorchNames.Prefix, StringComparison.Ordinal)
                && DTypes.TryFromTorchName(dtype.Repr[TorchNames.Prefix.Length..], out type)
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
            Numbers(arguments[2]), Numbers(arguments[3]), lazy);
    }

    /// <summary>Returns the tensor of data, requires_grad, hooks. In PyTorch it is another tensor of the same storage.</summary>
    public static object Parameter(ReadOnlySpan<object?> arguments, int count)
    {
        if (arguments.Length != count || arguments[1] is not bool needsGradient || arguments[2] is not (null or PickleDict))
        {
            throw new InvalidCastException();
        }
        if (arguments[0] is RefusedTensor refused)
        {
            return refused;
        }
        TensorReference data = CallArgument.NotNone<TensorReference>(arguments[0]);
        if (needsGradient)
        {
            CheckGradient(data.DType);
        }
        return data;
    }

    /// <summary>
    /// Returns the tensor of data, dtype, device, requires_grad. It is one of XLA or another device, which PyTorch saves through the host.
    /// PyTorch converts to the dtype, so it must be that of the data.
    /// </summary>
    public static TensorReference OfDevice(ReadOnlySpan<object?> arguments)
    {
        if (arguments
                is not [TensorReference data, TorchConstant dtype, string { Length: <= CallArgument.LongestWord }, bool needsGradient]
            || dtype.Repr != TorchNames.Prefix + data.DType.TorchName())
        {
            throw new InvalidCastException();
        }
        if (needsGradient)
        {
            CheckGradient(data.DType);
        }
        return data;
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

    private ImmutableArray<long> Numbers(object? value)
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
            budget.Spend(32 + (sizeof(long) * items.Length));
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
}
