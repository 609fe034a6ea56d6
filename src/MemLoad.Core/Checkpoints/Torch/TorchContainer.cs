using System.Numerics;

namespace MemLoad;

/// <summary>Turns the value of a pickle into named tensors and metadata: nested containers give dotted names.</summary>
internal static class TorchContainer
{
    private const int DeepestNesting = 200;
    private const int LongestName = 4096;
    private const long FreeCharacters = 1 << 18;
    private const int CharactersPerByte = 8;

    /// <summary>Adds all tensors and other values to a checkpoint under construction.</summary>
    /// <param name="root">The pickled value.</param>
    /// <param name="pickleBytes">Length of the pickle: it bounds how many entries sharing may multiply out to.</param>
    /// <param name="path">The file, for errors.</param>
    /// <param name="builder">Takes metadata, and tensors once their storages are known.</param>
    /// <param name="addStorage">Gives the index of a storage in the builder.</param>
    public static void AddTo(CheckpointBuilder builder, object? root, long pickleBytes, string path, Func<StorageReference, int> addStorage)
    {
        long entries = 0;
        long characters = FreeCharacters + (CharactersPerByte * pickleBytes);
        Visit("", root, 0);

        void Visit(string name, object? value, int depth)
        {
            if (depth > DeepestNesting || ++entries > pickleBytes)
            {
                throw Rules.PickleTooDeep.Broken(
                    depth > DeepestNesting ? $"containers are nested more than {DeepestNesting} deep" : "shared containers multiply beyond the size of the pickle", path);
            }
            Spend(name.Length);
            if (name.Length > LongestName)
            {
                throw Rules.PickleTooDeep.Broken($"the name {Printable.Quote(name)} has {name.Length} characters, more than {LongestName}", path);
            }
            switch (value)
            {
                case TensorReference tensor:
                    builder.AddTensor(new TensorEntry(
                        name, tensor.DType, tensor.Shape, tensor.Strides, addStorage(tensor.Storage), tensor.Offset, tensor.LazyView));
                    break;
                case PickleDict dict:
                    foreach ((string key, object? item) in dict.Items)
                    {
                        Visit(name.Length == 0 ? key : $"{name}.{key}", item, depth + 1);
                    }
                    break;
                case PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple } sequence:
                    for (int i = 0; i < sequence.Items.Count; i++)
                    {
                        Visit(name.Length == 0 ? $"{i}" : $"{name}.{i}", sequence.Items[i], depth + 1);
                    }
                    break;
                case StorageReference:
                    throw Rules.TensorKind.Broken($"{Printable.Quote(name)} is a bare storage, which has neither dtype nor shape", path);
                case null or bool or long or BigInteger or double or string:
                    builder.Metadata[name] = value;
                    break;
                default:
                    string text = PythonText.Repr(value);
                    Spend(text.Length);
                    builder.Metadata[name] = text;
                    break;
            }
        }

        // Shared keys and values can make names of any length out of a short pickle.
        void Spend(int count)
        {
            characters -= count;
            if (characters < 0)
            {
                throw Rules.PickleTooDeep.Broken("names and values multiply beyond the size of the pickle", path);
            }
        }
    }
}
