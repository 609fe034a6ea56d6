using System.Globalization;
using System.Numerics;

namespace MemLoad;

/// <summary>Converts the value of a pickle to named tensors and metadata. Nested containers give dotted names.</summary>
internal sealed class TorchContainer(CheckpointBuilder builder, OpenBudget budget, string path, Func<StorageReference, int> addStorage)
{
    /// <summary>
    /// A longer list or dict without a tensor, such as losses, token ids, a vocabulary or rows of a log, is one metadata entry with text. A shorter one has
    /// one entry per value. No load needs the values, and their names would take more memory than the file.
    /// </summary>
    private const int LongList = 1000;

    // An item of a growing stack.
    private const int WaitingBytes = 2 * sizeof(long);

    /// <summary>Adds all tensors and other values to the checkpoint under construction.</summary>
    /// <param name="root">The pickled value.</param>
    /// <exception cref="MemLoadException">ML1013, ML3005, ML3007, ML6014, and the rules of its tensors.</exception>
    /// <remarks>Containers are on a separate list, because the caller determines the size of the thread stack.</remarks>
    public void Add(object? root)
    {
        var open = new Stack<Container>();
        Visit("", root, open);
        while (open.TryPop(out Container container))
        {
            (string name, object value, int next) = container;
            if (value is PickleDict dict && next < dict.Items.Count)
            {
                open.Push(container with { Next = next + 1 });
                Visit(Below(name, dict.Items[next].Key), dict.Items[next].Value, open);
            }
            else if (value is PickleSequence sequence && next < sequence.Count)
            {
                open.Push(container with { Next = next + 1 });
                budget.Spend(OpenBudget.Text(8), path);
                Visit(Below(name, next.ToString(CultureInfo.InvariantCulture)), sequence.Items[next], open);
            }
        }
    }

    private void Visit(string name, object? value, Stack<Container> open)
    {
        if (open.Count > budget.Limits.Nesting)
        {
            throw Rules.PickleTooDeep.Broken($"containers are nested more than {budget.Limits.Nesting} deep", path,
                remedy: $"{Rules.PickleTooDeep.Remedy} {OpenLimits.Raise("nesting", 2L * budget.Limits.Nesting)}.");
        }
        switch (value)
        {
            case TensorReference tensor:
                builder.AddTensor(new TensorEntry(name, tensor.DType, tensor.Shape, tensor.Strides, addStorage(tensor.Storage), tensor.Offset, tensor.LazyView));
                break;
            case PickleDict dict when dict.Items.Count <= LongList || HoldsTensors(dict):
                open.Push(new Container(name, value, 0));
                break;
            case PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple or PickleSequenceKind.Size } sequence
                when sequence.Count <= LongList || HoldsTensors(sequence):
                open.Push(new Container(name, value, 0));
                break;
            case RefusedTensor refused:
                Refuse(name, refused.Kind, refused.At);
                break;
            case StorageReference:
                Refuse(name, "a bare storage, which has neither dtype nor shape", null);
                break;
            case null or bool or long or BigInteger or double or string:
                builder.AddMetadata(name, value);
                break;
            default:
                string text = PythonText.Repr(value);
                budget.Spend(4 * OpenBudget.Text(text.Length), path);
                builder.AddMetadata(name, text);
                break;
        }
    }

    private void Refuse(string name, string kind, long? at)
    {
        builder.CheckNameLength(name);
        builder.Refuse(name, Rules.TensorKind.Broken($"{Printable.Quote(name)} is {kind}", path, at, remedy: TorchVocabulary.RemedyFor(kind, name)));
    }

    // A container whose items are being visited, and the next item.
    private readonly record struct Container(string Name, object Value, int Next);

    // At any depth. A container that several others share is looked at for each of them, and charged.
    private bool HoldsTensors(object container)
    {
        var waiting = new Stack<object>([container]);
        while (waiting.TryPop(out object? next))
        {
            if (next is PickleDict dict)
            {
                budget.Spend(OpenBudget.Looking(dict.Items.Count), path);
                foreach ((_, object? value) in dict.Items)
                {
                    if (IsTensor(value, waiting))
                    {
                        return true;
                    }
                }
            }
            else if (next is PickleSequence sequence)
            {
                budget.Spend(OpenBudget.Looking(sequence.Count), path);
                foreach (object? item in sequence.Items)
                {
                    if (IsTensor(item, waiting))
                    {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private bool IsTensor(object? value, Stack<object> waiting)
    {
        if (value is PickleDict or PickleSequence)
        {
            budget.Spend(WaitingBytes, path);
            waiting.Push(value);
        }
        return value is TensorReference or RefusedTensor or StorageReference;
    }

    // Names are checked while they grow, because shared keys in a short pickle can give names of any length.
    private string Below(string name, string key)
    {
        if (name.Length == 0)
        {
            builder.CheckNameLength(key);
            return key;
        }
        budget.Spend(OpenBudget.Text(name.Length + key.Length), path);
        string below = $"{name}.{key}";
        builder.CheckNameLength(below);
        return below;
    }
}
