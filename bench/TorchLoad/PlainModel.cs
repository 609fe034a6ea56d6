using System.Collections.Immutable;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MemLoad.Bench;

/// <summary>
/// The notebook's model as TorchSharp loads it: modules of empty tensors with its names, shapes and types. The tensors are not initialised,
/// as those of real layers are. The measured time is therefore less than the time for a user.
/// </summary>
internal sealed class PlainModel : nn.Module
{
    private readonly Dictionary<string, PlainModel> _children = new(StringComparer.Ordinal);

    public PlainModel(ModelSpec spec)
        : this(spec.Name)
    {
        foreach (TensorSpec tensor in spec.Tensors)
        {
            string[] path = tensor.Name.Split('.');
            PlainModel owner = this;
            foreach (string step in path[..^1])
            {
                owner = owner.Child(step);
            }
            Tensor empty = torch.empty([.. tensor.Shape], ScalarType.Float32);
            if (tensor.IsBuffer)
            {
                owner.register_buffer(path[^1], empty);
            }
            else
            {
                owner.register_parameter(path[^1], new Parameter(empty, requires_grad: false));
            }
        }
    }

    private PlainModel(string name)
        : base(name)
    {
    }

    private PlainModel Child(string name)
    {
        if (!_children.TryGetValue(name, out PlainModel? child))
        {
            child = new PlainModel(name);
            _children.Add(name, child);
            register_module(name, child);
        }
        return child;
    }
}

/// <summary>The tensors of a module as a source of weights, so that their digest can be computed as for MemLoad.</summary>
internal sealed unsafe class ModuleWeights : IWeightSource
{
    private const int PieceBytes = 1 << 20;

    private readonly Tensor[] _values;

    public ModuleWeights(nn.Module module)
    {
        Dictionary<string, Tensor> state = module.state_dict();
        _values = [.. state.Values];
        Tensors = [.. state.Select((pair, i) => Entry(pair.Key, pair.Value, i))];
    }

    public ImmutableArray<TensorEntry> Tensors { get; }

    public ImmutableArray<long> StorageLengths => [.. Tensors.Select(tensor => tensor.Bytes)];

    public void StreamStorage(int storage, ElementSink sink) => StreamElements(Tensors[storage], sink);

    public void StreamElements(TensorEntry tensor, ElementSink sink)
    {
        // A span cannot exceed 2 GiB. The rows of a flat view are shorter.
        long elements = PieceBytes / tensor.DType.ElementSize();
        using Tensor flat = _values[tensor.Storage].detach().flatten();
        for (long done = 0; done < tensor.ElementCount; done += elements)
        {
            using Tensor piece = flat.narrow(0, done, Math.Min(elements, tensor.ElementCount - done));
            sink(System.Runtime.InteropServices.MemoryMarshal.AsBytes(piece.data<float>().ToArray().AsSpan()));
        }
    }

    private static TensorEntry Entry(string name, Tensor tensor, int index)
    {
        ImmutableArray<long> shape = [.. tensor.shape];
        return new TensorEntry(name, DType.Float32, shape, [.. tensor.stride()], index, 0);
    }
}
