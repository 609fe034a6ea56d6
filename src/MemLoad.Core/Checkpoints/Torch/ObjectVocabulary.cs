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
internal sealed class ObjectVocabulary : IPickleVocabulary
{
    private const int DeepestArgument = 3;
    private const int WaitingBytes = 2 * sizeof(long);

    private readonly TorchVocabulary _torch = new();
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
    public object? Resolve(string module, string name, OpenBudget budget, string path, long at)
    {
        if (TorchVocabulary.Resolve(module, name) is object known)
        {
            return known;
        }
        string full = $"{module}.{name}";
        if (TorchVocabulary.OtherTensorKind(full) is not null)
        {
            return new PickleGlobal(full);
        }
        if (Program is null && TorchVocabulary.RunsPrograms(module, name))
        {
            Program = TorchVocabulary.Refusal(module, name, isRoot: false, path, at);
        }
        return New(full, budget, path);
    }

    /// <inheritdoc/>
    public MemLoadException RefusalOf(string module, string name, bool isRoot, string path, long at) =>
        TorchVocabulary.Refusal(module, name, isRoot, path, at);

    /// <inheritdoc/>
    public object? Call(object? callee, PickleSequence arguments, OpenBudget budget, string path, long at)
    {
        string? name = (callee as PickleGlobal)?.Name;
        if (callee is OpaqueObject || TorchVocabulary.IsType(name))
        {
            return CallOpaque(callee!, arguments, budget, path);
        }
        if (TorchVocabulary.OtherTensorKind(name) is string kind)
        {
            return Refused(kind, arguments, budget, path, at);
        }
        budget.Spend(OpenBudget.Looking(arguments.Count), path);
        if (name is not null && IsUncertain(arguments, TorchVocabulary.HooksOf(name), 0, budget, path))
        {
            // A tensor whose class or data only code can make: it is refused by its name, and the rest of the file can be read.
            return name == TorchVocabulary.RebuildFromType
                ? Refused("a tensor subclass", arguments, budget, path, at)
                : CallOpaque(callee!, arguments, budget, path);
        }
        // The attributes of a tensor are reachable from it, and its record does not have them.
        foreach (object? attached in TorchVocabulary.AttachedBy(name, arguments))
        {
            Hold(attached, null, budget, path);
        }
        try
        {
            return _torch.Call(callee, arguments, budget, path, at);
        }
        catch (MemLoadException e) when (e.Rule == Rules.PickleArguments && TorchVocabulary.IsNumpy(name))
        {
            return CallOpaque(callee!, arguments, budget, path); // a value of numpy that is not a plain number
        }
    }

    /// <inheritdoc/>
    public object? Create(object? type, PickleSequence arguments, OpenBudget budget, string path, long at) =>
        type is OpaqueObject || TorchVocabulary.IsType((type as PickleGlobal)?.Name)
            ? CallOpaque(type!, arguments, budget, path)
            : _torch.Create(type, arguments, budget, path, at);

    /// <inheritdoc/>
    public void Build(object? target, object? state, OpenBudget budget, string path, long at)
    {
        switch (target)
        {
            case OpaqueObject made:
                Hold(state, made, budget, path);
                return;
            case NumpyType type when !TorchVocabulary.IsPlainState(type, state):
                type.IsHeld = true;
                Hold(state, null, budget, path);
                return;
            default:
                if (state is PickleDict { IsHeld: true })
                {
                    throw Rules.ObjectHolds.Broken("an object contains the attributes of a dict", path, at);
                }
                TorchVocabulary.Build(target, state, path, at);
                Hold(state, null, budget, path); // reachable from the dict, and its record does not have them
                return;
        }
    }

    /// <inheritdoc/>
    public bool TryAdd(object? target, ReadOnlySpan<object?> items, OpenBudget budget, string path)
    {
        if (target is not OpaqueObject made)
        {
            return false;
        }
        Hold(items, made, budget, path);
        return true;
    }

    /// <inheritdoc/>
    public bool TrySetKey(PickleDict dict, object? key, object? value, OpenBudget budget, string path)
    {
        if (!HasObject(key, 0, budget, path))
        {
            return false;
        }
        dict.HasObjectKey = true;
        Hold(key, null, budget, path);
        Hold(dict, null, budget, path);
        Hold(value, null, budget, path);
        return true;
    }

    /// <inheritdoc/>
    public void Hold(ReadOnlySpan<object?> items, OpenBudget budget, string path) => Hold(items, null, budget, path);

    /// <summary>Reads a persistent id whose class is not on the list. Returns null for any other.</summary>
    /// <param name="id">The value of the id.</param>
    /// <param name="references">The storages. The key of the storage is held, because two descriptions of it would differ.</param>
    /// <param name="budget">The budget.</param>
    /// <param name="path">The file, for errors.</param>
    public OpaqueObject? StorageOf(object? id, StorageReferences references, OpenBudget budget, string path)
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
                Hold(type, null, budget, path);
                return New(type.Name, budget, path);
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

    private OpaqueObject New(string name, OpenBudget budget, string path)
    {
        budget.Spend(OpaqueObject.Overhead, path);
        LooseCount++;
        return new OpaqueObject(name);
    }

    private OpaqueObject CallOpaque(object callee, PickleSequence arguments, OpenBudget budget, string path)
    {
        // The helpers of copyreg and numpy get the class as their first argument.
        string name = callee is OpaqueObject { Name: string text }
            && (!text.Contains("_reconstruct", StringComparison.Ordinal) || arguments.Count == 0) ? text
            : arguments.Items is [OpaqueObject type, ..] ? type.Name
            : (callee as OpaqueObject)?.Name ?? ((PickleGlobal)callee).Name;
        OpaqueObject made = New(name, budget, path);
        Hold(callee, made, budget, path);
        Hold(arguments, made, budget, path);
        return made;
    }

    private RefusedTensor Refused(string kind, PickleSequence arguments, OpenBudget budget, string path, long at)
    {
        // A function of PyTorch changes nothing. The classes among its arguments could.
        if (LooseCount > 0)
        {
            Hold(arguments, null, budget, path);
        }
        budget.Spend(TensorReference.Overhead, path);
        return new RefusedTensor(kind, at) { Arguments = arguments };
    }

    // Whether the code of an object could create or change the values that a call of the allowlist reads. Hooks are not read.
    private static bool IsUncertain(PickleSequence arguments, int hooks, int depth, OpenBudget budget, string path)
    {
        budget.Spend(OpenBudget.Looking(arguments.Count), path);
        for (int i = 0; i < arguments.Count; i++)
        {
            bool uncertain = arguments.Items[i] switch
            {
                OpaqueObject => arguments.Kind != PickleSequenceKind.List,
                PickleDict { IsHeld: true } => i != hooks,
                NumpyType { IsHeld: true } => true,
                PickleSequence { IsHeld: true, IsMutable: true } => true,
                PickleSequence inner when depth < DeepestArgument => IsUncertain(inner, -1, depth + 1, budget, path),
                _ => false,
            };
            if (uncertain)
            {
                return true;
            }
        }
        return false;
    }

    private static bool HasObject(object? key, int depth, OpenBudget budget, string path)
    {
        if (key is not PickleSequence { Kind: PickleSequenceKind.Tuple or PickleSequenceKind.FrozenSet } tuple || depth == DeepestArgument)
        {
            return key is OpaqueObject;
        }
        budget.Spend(OpenBudget.Looking(tuple.Count), path);
        foreach (object? item in tuple.Items)
        {
            if (HasObject(item, depth + 1, budget, path))
            {
                return true;
            }
        }
        return false;
    }

    private void Hold(ReadOnlySpan<object?> items, OpaqueObject? holder, OpenBudget budget, string path)
    {
        budget.Spend(OpenBudget.Looking(items.Length), path);
        foreach (object? item in items)
        {
            Hold(item, holder, budget, path);
        }
    }

    // Each value is visited once. A value that is already held stays held, with all values below it.
    private void Hold(object? value, OpaqueObject? holder, OpenBudget budget, string path)
    {
        Wait(value, budget, path);
        while (_waiting.TryPop(out object? next))
        {
            switch (next)
            {
                case PickleDict { IsHeld: false } dict:
                    dict.IsHeld = true;
                    budget.Spend(OpenBudget.Looking(dict.Items.Count), path);
                    foreach ((_, object? item) in dict.Items)
                    {
                        Wait(item, budget, path);
                    }
                    break;
                case PickleSequence { IsHeld: false, Count: > 0 } or PickleSequence { IsHeld: false, IsMutable: true }:
                    var sequence = (PickleSequence)next;
                    sequence.IsHeld = true;
                    budget.Spend(OpenBudget.Looking(sequence.Count), path);
                    foreach (object? item in sequence.Items)
                    {
                        Wait(item, budget, path);
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
                    Wait(arguments, budget, path);
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

    private void Wait(object? value, OpenBudget budget, string path)
    {
        if (value is PickleDict or PickleSequence or TensorReference or StorageReference or RefusedTensor or NumpyType or OpaqueObject)
        {
            budget.Spend(WaitingBytes, path);
            _waiting.Push(value);
        }
    }
}
