using System.Numerics;

namespace MemLoad;

/// <summary>Turns the value of a pickle into named tensors and metadata: nested containers give dotted names.</summary>
internal static class TorchContainer
{
    private const int DeepestNesting = 200;

    /// <summary>Adds all tensors and other values to a checkpoint under construction.</summary>
    /// <param name="root">The pickled value.</param>
    /// <param name="pickleBytes">Length of the pickle: it bounds how many entries sharing may multiply out to.</param>
    /// <param name="path">The file, for errors.</param>
    /// <param name="builder">Takes metadata, and tensors once their storages are known.</param>
    /// <param name="addStorage">Gives the index of a storage in the builder.</param>
    public static void AddTo(CheckpointBuilder builder, object? root, long pickleBytes, string path, Func<StorageReference, int> addStorage)
    {
        long entries = 0;
        Visit("", root, 0);

        void Visit(string name, object? value, int depth)
        {
            if (depth > DeepestNesting || ++entries > pickleBytes)
            {
                throw Rules.PickleTooDeep.Broken(
                    depth > DeepestNesting ? $"containers are nested more than {DeepestNesting} deep" : "shared containers multiply beyond the size of the pickle", path);
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
                    builder.Metadata[name] = PythonText.Repr(value);
                    break;
            }
        }
    }
}
