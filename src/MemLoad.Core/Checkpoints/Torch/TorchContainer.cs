using System.Numerics;

namespace MemLoad;

/// <summary>Converts the value of a pickle to named tensors and metadata. Nested containers give dotted names.</summary>
internal sealed class TorchContainer(
    CheckpointBuilder builder, FileBudget budget, Func<Storage, int> addStorage, ObjectVocabulary? objects = null)
{
    /// <summary>
    /// A longer list or dict without a tensor is one metadata entry with text. Examples are losses, token ids, a vocabulary, or rows of a
    /// log. A shorter one has one entry per value. No load needs the values, and their names would take more memory than the file.
    /// </summary>
    private const int LongList = 1000;

    // An item of a growing stack.
    private const int WaitingBytes = 2 * sizeof(long);

    private const int MostNames = 3;

    // The names of values that are left out.
    private readonly List<string> _left = [];
    private long _leftCount;
    private bool _hasTensors;

    // True if every tensor is a value of one dict: its keys are unique names.
    private bool _isFlat;

    /// <summary>Adds all tensors and other values to the checkpoint under construction.</summary>
    /// <param name="root">The pickled value.</param>
    /// <exception cref="MemLoadException">ML1013, ML3005, ML3007, ML6014, and the rules of its tensors.</exception>
    /// <remarks>Containers are on a separate list, because the caller determines the size of the thread stack.</remarks>
    public void Add(object? root)
    {
        _isFlat = root is PickleDict { HasRepeatedNames: false } dictOfAll
            && !dictOfAll.Items.Any(item => item.Value is PickleDict or PickleSequence);
        var open = new Stack<Container>();
        Visit("", root, held: false, open);
        while (open.TryPop(out Container container))
        {
            (string name, object value, int next) = container;
            if (value is PickleDict dict && next < dict.Items.Count)
            {
                open.Push(container with { Next = next + 1 });
                Visit(Below(name, dict.NameOf(dict.Items[next].Key)), dict.Items[next].Value, dict.IsHeld, open);
            }
            else if (value is PickleSequence sequence && next < sequence.Count)
            {
                open.Push(container with { Next = next + 1 });
                budget.Spend(FileBudget.Text(8));
                Visit(Below(name, next.ToString(CultureInfo.InvariantCulture)), sequence.Items[next],
                    sequence is { IsHeld: true, IsMutable: true }, open);
            }
        }
        Finish(root);
    }

    // The code of an object can have changed the values that the object holds. A tensor is then refused, and other values are left out.
    private void Visit(string name, object? value, bool held, Stack<Container> open)
    {
        if (open.Count > budget.Limits.Nesting)
        {
            throw Rules.PickleTooDeep.Broken($"containers are nested more than {budget.Limits.Nesting} deep", budget.Path,
                remedy: budget.Limits.RaiseNesting() is string raise ? $"{Rules.PickleTooDeep.Remedy} {raise}." : null);
        }
        switch (value)
        {
            case TensorReference { Storage.Facts.IsHeld: true }:
                _hasTensors = true;
                RefuseHeld(name);
                break;
            case OpaqueObject or PickleDict { HasObjectKey: true }:
                Leave(name, value);
                break;
            case PickleDict { IsHeld: true } or PickleSequence { IsHeld: true, IsMutable: true } when !Holds(value, IsTensor, budget):
                Leave(name, value);
                break;
            case TensorReference tensor:
                _hasTensors = true;
                builder.AddTensor(
                    new TensorEntry(
                        name, tensor.DType, tensor.Shape, tensor.Strides, addStorage(tensor.Storage), tensor.Offset, tensor.LazyView),
                    _isFlat);
                break;
            case PickleDict dict when dict.Items.Count <= LongList || Holds(dict, IsTensor, budget):
                open.Push(new Container(name, value, 0));
                break;
            case PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple or PickleSequenceKind.Size } sequence
                when sequence.Count <= LongList || Holds(sequence, IsTensor, budget):
                open.Push(new Container(name, value, 0));
                break;
            case RefusedTensor refused:
                _hasTensors = true;
                Refuse(name, refused.Kind, refused.At);
                break;
            case StorageReference:
                _hasTensors = true;
                Refuse(name, "a bare storage, which has neither dtype nor shape", null);
                break;
            case PickleSequence { Kind: PickleSequenceKind.Set or PickleSequenceKind.FrozenSet } set when Holds(set, IsTensor, budget):
                _hasTensors = true;
                Refuse(name, "a set with tensors, which gives them no names", null);
                break;
            case var _ when held:
                break;
            case null or bool or long or BigInteger or double or string:
                builder.AddMetadata(name, value);
                break;
            default:
                string text = PythonText.Repr(value);
                budget.Spend(4 * FileBudget.Text(text.Length));
                builder.AddMetadata(name, text);
                break;
        }
    }

    private void Refuse(string name, string kind, long? at)
    {
        builder.CheckNameLength(name);
        builder.Refuse(
            name, Rules.TensorKind.Broken($"{Printable.Quote(name)} is {kind}", budget.Path, at, remedy: RemedyFor(kind, name)));
    }

    // The remedy for a tensor that is not a plain tensor, which also says how to read the rest of the file.
    private static Remedy RemedyFor(string kind, string name)
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

    private void RefuseHeld(string name)
    {
        builder.CheckNameLength(name);
        builder.Refuse(name, Rules.ObjectHolds.Broken(
            $"an object of the file also contains the tensor {Printable.Quote(name)}, so that its code could change it", budget.Path,
            remedy: CheckpointBuilder.LeftOut(Rules.ObjectHolds, name)));
    }

    // Objects are the values of names that no tensor has.
    private void Leave(string name, object value)
    {
        if (objects?.Refusal is MemLoadException refusal)
        {
            throw refusal;
        }
        _leftCount++;
        if (_left.Count < MostNames)
        {
            _left.Add(name);
        }
        if (value is OpaqueObject placed)
        {
            objects!.Place(placed);
        }
        builder.AddMetadata(name,
            PythonText.Repr(value is OpaqueObject ? value : new OpaqueObject(value is PickleDict ? "builtins.dict" : "builtins.list")));
    }

    private void Finish(object? root)
    {
        if (objects is null)
        {
            return;
        }
        if (objects.LooseCount > 0 && objects.Refusal is MemLoadException refusal)
        {
            throw refusal;
        }
        long count = _leftCount + objects.LooseCount;
        if (!_hasTensors && count > 0)
        {
            throw Rules.PickledModule.Broken(objects.HeldTensorCount > 0
                    ? FormattableString.Invariant(
                        $"all {objects.HeldTensorCount} tensors of the file are in objects, which only code can read")
                    : "the file has objects, which only code can read, and no tensors", budget.Path,
                remedy: ObjectRemedy.For(root, budget));
        }
        if (objects.Refusal is null)
        {
            builder.SetObjects(count, Finding(count, objects));
        }
    }

    private string? Finding(long count, ObjectVocabulary vocabulary)
    {
        if (count == 0)
        {
            return null;
        }
        string names = _left.Count == 0 ? ""
            : $" ({string.Join(", ", _left.Select(Printable.Quote))}{(_leftCount > _left.Count ? ", …" : "")})";
        string tensors = vocabulary.HeldTensorCount == 0 ? ""
            : FormattableString.Invariant(
                $", with {vocabulary.HeldTensorCount} tensor{(vocabulary.HeldTensorCount == 1 ? "" : "s")} in them");
        string program = vocabulary.Program is MemLoadException attack
            ? $"; {attack.Finding}, and PyTorch would run it"
            : "";
        return FormattableString.Invariant($"objects are left out: {count}{names}{tensors}{program}");
    }

    // A container whose items are being visited, and the next item.
    private readonly record struct Container(string Name, object Value, int Next);

    // At any depth. A container that several others share is visited for each of them, and each visit is charged.
    internal static bool Holds(object container, Func<object, bool> isSought, FileBudget budget)
    {
        var waiting = new Stack<object>([container]);
        while (waiting.TryPop(out object? next))
        {
            if (next is PickleDict dict)
            {
                budget.Spend(FileBudget.Inspecting(dict.Items.Count));
                foreach ((_, object? value) in dict.Items)
                {
                    if (Found(value))
                    {
                        return true;
                    }
                }
            }
            else if (next is PickleSequence sequence)
            {
                budget.Spend(FileBudget.Inspecting(sequence.Count));
                foreach (object? item in sequence.Items)
                {
                    if (Found(item))
                    {
                        return true;
                    }
                }
            }
        }
        return false;

        bool Found(object? value)
        {
            if (value is PickleDict or PickleSequence)
            {
                budget.Spend(WaitingBytes);
                waiting.Push(value);
            }
            return value is not null && isSought(value);
        }
    }

    private static bool IsTensor(object value) => value is TensorReference or RefusedTensor or StorageReference;

    // Names are checked while they grow, because shared keys in a short pickle can give names of any length.
    private string Below(string name, string key)
    {
        if (name.Length == 0)
        {
            builder.CheckNameLength(key);
            return key;
        }
        budget.Spend(FileBudget.Text(name.Length + key.Length));
        string below = $"{name}.{key}";
        builder.CheckNameLength(below);
        return below;
    }
}
