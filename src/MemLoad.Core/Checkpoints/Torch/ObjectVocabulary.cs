namespace MemLoad;

/// <summary>
/// The allowlist of <see cref="TorchVocabulary"/>, for a pickle with other names. Classes and functions that are not on the list become
/// <see cref="OpaqueObject"/>s, and so do the results of their calls. Nothing is called.
/// </summary>
/// <remarks>
/// PyTorch would run the code of an object. That code can change each value that the pickle passes to it, and all values that are reachable
/// from it. A call therefore marks its arguments as held. Items that are added to a held container later are held, too. A tensor whose
/// storage is held is refused (ML3012), because PyTorch could read other bytes. Values that the pickle does not pass to an object are read
/// as usual. There are two more ways to affect a tensor. A key of a dict can be an object. Its class decides which keys it is equal to, so
/// the whole dict is left out. A call of the allowlist with an object or a held container among its arguments gives an object.
/// </remarks>
/// <param name="budget">The budget of the file with the pickle.</param>
internal sealed class ObjectVocabulary(FileBudget budget) : IPickleVocabulary
{
    private const int DeepestArgument = 3;
    private const int WaitingBytes = 2 * sizeof(long);

    private readonly TorchVocabulary _torch = new(budget);
    private readonly Stack<object> _waiting = new();

    /// <summary>The number of objects that are not part of another object and have no name in the checkpoint.</summary>
    public long LooseCount { get; private set; }

    /// <summary>The number of tensors that objects hold.</summary>
    public long HeldTensorCount { get; private set; }

    /// <summary>The refusal of the first name that can run a program; null if there is none.</summary>
    public MemLoadException? Program { get; private set; }

    /// <summary>Why the file is not read without the user's consent to objects; null if the user has given it.</summary>
    public MemLoadException? Refusal { get; set; }

    /// <inheritdoc/>
    public bool TakesRepeatedNames => true;

    /// <inheritdoc/>
    public object? Resolve(string module, string name, long at)
    {
        if (TorchNames.Resolve(module, name) is object known)
        {
            return known;
        }
        string full = $"{module}.{name}";
        if (TorchNames.OtherTensorKind(full) is not null)
        {
            return new PickleGlobal(full);
        }
        if (Program is null && TorchNames.RunsPrograms(module, name))
        {
            Program = RefusalOf(module, name, isRoot: false, at);
        }
        return New(full);
    }

    /// <inheritdoc/>
    public MemLoadException RefusalOf(string module, string name, bool isRoot, long at) =>
        TorchNames.Refusal(module, name, isRoot, budget.Path, at);

    /// <inheritdoc/>
    public object? Call(object? callee, PickleSequence arguments, long at)
    {
        string? name = (callee as PickleGlobal)?.Name;
        if (callee is OpaqueObject || TorchNames.IsType(name))
        {
            return CallOpaque(callee!, arguments);
        }
        if (TorchNames.OtherTensorKind(name) is string kind)
        {
            return Refused(kind, arguments, at);
        }
        budget.Spend(FileBudget.Inspecting(arguments.Count));
        if (name is not null && IsUncertain(arguments, TorchNames.HooksOf(name), 0))
        {
            // A tensor whose class or data only code can make: it is refused by its name, and the rest of the file can be read.
            return name == TorchNames.RebuildFromType
                ? Refused("a tensor subclass", arguments, at)
                : CallOpaque(callee!, arguments);
        }
        // The attributes of a tensor are reachable from it, and its record does not have them.
        foreach (object? attached in AttachedBy(name, arguments))
        {
            Hold(attached, null);
        }
        try
        {
            return _torch.Call(callee, arguments, at);
        }
        catch (MemLoadException e) when (e.Rule == Rules.PickleArguments && TorchNames.IsNumpy(name))
        {
            return CallOpaque(callee!, arguments); // a value of numpy that is not a plain number
        }
    }

    /// <inheritdoc/>
    public object? Create(object? type, PickleSequence arguments, long at) =>
        type is OpaqueObject || TorchNames.IsType((type as PickleGlobal)?.Name)
            ? CallOpaque(type!, arguments)
            : _torch.Create(type, arguments, at);

    /// <inheritdoc/>
    public void Build(object? target, object? state, long at)
    {
        switch (target)
        {
            case OpaqueObject made:
                Hold(state, made);
                return;
            case NumpyType type when !NumpyScalars.IsPlainState(type, state):
                type.IsHeld = true;
                Hold(state, null);
                return;
            default:
                if (state is PickleDict { IsHeld: true })
                {
                    throw Rules.ObjectHolds.Broken("an object contains the attributes of a dict", budget.Path, at);
                }
                _torch.Build(target, state, at);
                Hold(state, null); // reachable from the dict, and its record does not have them
                return;
        }
    }

    /// <inheritdoc/>
    public bool TryAdd(object? target, ReadOnlySpan<object?> items)
    {
        if (target is not OpaqueObject made)
        {
            return false;
        }
        Hold(items, made);
        return true;
    }

    /// <inheritdoc/>
    public bool TrySetKey(PickleDict dict, object? key, object? value)
    {
        if (!HasObject(key, 0))
        {
            return false;
        }
        dict.HasObjectKey = true;
        Hold(key, null);
        Hold(dict, null);
        Hold(value, null);
        return true;
    }

    /// <inheritdoc/>
    public void Hold(ReadOnlySpan<object?> items) => Hold(items, null);

    /// <summary>Reads a persistent id whose class is not on the list. Returns null for any other.</summary>
    /// <param name="id">The value of the id.</param>
    /// <param name="references">The storages. The key of the storage is held, because two descriptions of it would differ.</param>
    public OpaqueObject? StorageOf(object? id, StorageReferences references)
    {
        if (id is not PickleSequence { Kind: PickleSequenceKind.Tuple, Count: <= 6 } tuple)
        {
            return null;
        }
        switch (tuple.Items)
        {
            case ["module", OpaqueObject type, ..]: // the class of a module, with its source code
                return type;
            case ["storage", OpaqueObject type, string key, string, long, ..]:
                references.Hold(key);
                Hold(type, null);
                return New(type.Name);
            default:
                return null;
        }
    }

    /// <summary>Counts an object that has a name in the checkpoint.</summary>
    public void Place(OpaqueObject placed)
    {
        if (!placed.IsPlaced)
        {
            placed.IsPlaced = true;
            LooseCount--;
        }
    }

    private OpaqueObject New(string name)
    {
        budget.Spend(OpaqueObject.Overhead);
        LooseCount++;
        return new OpaqueObject(name);
    }

    // The arguments that a tensor keeps in addition to its data: attributes, and hooks that the pickle uses again.
    private static IEnumerable<object?> AttachedBy(string? name, PickleSequence arguments) =>
        name is TorchNames.RebuildParameterWithState or TorchNames.RebuildFromType || (name is not null && TorchNames.HooksOf(name) >= 0)
            ? Attached(name, arguments)
            : [];

    private static IEnumerable<object?> Attached(string name, PickleSequence arguments)
    {
        if (name is TorchNames.RebuildParameterWithState or TorchNames.RebuildFromType && arguments.Count > 0)
        {
            yield return arguments.Items[^1];
        }
        if (TorchNames.HooksOf(name) is int hooks and >= 0 && hooks < arguments.Count
            && arguments.Items[hooks] is PickleDict { IsKept: true } kept)
        {
            yield return kept;
        }
    }

    private OpaqueObject CallOpaque(object callee, PickleSequence arguments)
    {
        // The helpers of copyreg and numpy get the class as their first argument.
        string name = callee is OpaqueObject { Name: string text }
            && (!text.Contains("_reconstruct", StringComparison.Ordinal) || arguments.Count == 0) ? text
            : arguments.Items is [OpaqueObject type, ..] ? type.Name
            : (callee as OpaqueObject)?.Name ?? ((PickleGlobal)callee).Name;
        OpaqueObject made = New(name);
        Hold(callee, made);
        Hold(arguments, made);
        return made;
    }

    private RefusedTensor Refused(string kind, PickleSequence arguments, long at)
    {
        // A function of PyTorch changes nothing. The classes among its arguments could.
        if (LooseCount > 0)
        {
            Hold(arguments, null);
        }
        budget.Spend(TensorReference.Overhead);
        return new RefusedTensor(kind, at) { Arguments = arguments };
    }

    // Whether the code of an object could create or change the values that a call of the allowlist reads. Hooks are not read.
    private bool IsUncertain(PickleSequence arguments, int hooks, int depth)
    {
        budget.Spend(FileBudget.Inspecting(arguments.Count));
        for (int i = 0; i < arguments.Count; i++)
        {
            bool uncertain = arguments.Items[i] switch
            {
                OpaqueObject => arguments.Kind != PickleSequenceKind.List,
                PickleDict { IsHeld: true } => i != hooks,
                NumpyType { IsHeld: true } => true,
                PickleSequence { IsHeld: true, IsMutable: true } => true,
                PickleSequence inner when depth < DeepestArgument => IsUncertain(inner, -1, depth + 1),
                _ => false,
            };
            if (uncertain)
            {
                return true;
            }
        }
        return false;
    }

    private bool HasObject(object? key, int depth)
    {
        if (key is not PickleSequence { Kind: PickleSequenceKind.Tuple or PickleSequenceKind.FrozenSet } tuple || depth == DeepestArgument)
        {
            return key is OpaqueObject;
        }
        budget.Spend(FileBudget.Inspecting(tuple.Count));
        foreach (object? item in tuple.Items)
        {
            if (HasObject(item, depth + 1))
            {
                return true;
            }
        }
        return false;
    }

    private void Hold(ReadOnlySpan<object?> items, OpaqueObject? holder)
    {
        budget.Spend(FileBudget.Inspecting(items.Length));
        foreach (object? item in items)
        {
            Hold(item, holder);
        }
    }

    // Each value is visited once. A value that is already held stays held, with all values below it.
    private void Hold(object? value, OpaqueObject? holder)
    {
        Wait(value);
        while (_waiting.TryPop(out object? next))
        {
            switch (next)
            {
                case PickleDict { IsHeld: false } dict:
                    dict.IsHeld = true;
                    budget.Spend(FileBudget.Inspecting(dict.Items.Count));
                    foreach ((_, object? item) in dict.Items)
                    {
                        Wait(item);
                    }
                    break;
                case PickleSequence { IsHeld: false, Count: > 0 } or PickleSequence { IsHeld: false, IsMutable: true }:
                    var sequence = (PickleSequence)next;
                    sequence.IsHeld = true;
                    budget.Spend(FileBudget.Inspecting(sequence.Count));
                    foreach (object? item in sequence.Items)
                    {
                        Wait(item);
                    }
                    break;
                case TensorReference tensor:
                    tensor.Storage.Facts.IsHeld = true;
                    Count(tensor, holder);
                    break;
                case StorageReference storage:
                    storage.Storage.Facts.IsHeld = true;
                    if (holder is not null)
                    {
                        holder.HasStorage = true;
                    }
                    break;
                case RefusedTensor { Arguments: PickleSequence arguments }:
                    Wait(arguments);
                    break;
                case NumpyType type:
                    type.IsHeld = true;
                    break;
                case OpaqueObject { IsPlaced: false } part when part != holder:
                    Place(part);
                    if (holder is not null)
                    {
                        holder.TensorCount += part.TensorCount;
                    }
                    break;
            }
        }
    }

    private void Count(TensorReference tensor, OpaqueObject? holder)
    {
        if (tensor.IsHeld)
        {
            return;
        }
        tensor.IsHeld = true;
        HeldTensorCount++;
        if (holder is not null)
        {
            holder.TensorCount++;
        }
    }

    private void Wait(object? value)
    {
        if (value is PickleDict or PickleSequence or TensorReference or StorageReference or RefusedTensor or NumpyType or OpaqueObject)
        {
            budget.Spend(WaitingBytes);
            _waiting.Push(value);
        }
    }
}
