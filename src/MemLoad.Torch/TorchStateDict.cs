namespace MemLoad.Torch;

/// <summary>
/// Loaded weights as tensors of libtorch, which are views of the loaded memory. Tensors that share a storage in the checkpoint share a
/// storage here. The object belongs to the weights and is disposed with them. An <c>alias()</c> of a tensor keeps the memory after that.
/// </summary>
public sealed class TorchStateDict : IDisposable
{
    private readonly Dictionary<string, (TensorEntry Entry, torch.Tensor? Tensor)> _tensors = new(StringComparer.Ordinal);
    private readonly Lock _asking = new();
    private bool _disposed;

    /// <summary>
    /// Creates the tensors. <paramref name="storageOf"/> returns a storage as a tensor of bytes, which is disposed after use. The views
    /// keep its memory.
    /// </summary>
    internal TorchStateDict(LoadedWeights weights, Func<int, torch.Tensor> storageOf)
    {
        var typed = new Dictionary<(int Storage, torch.ScalarType Type), torch.Tensor>();
        var storages = new Dictionary<int, torch.Tensor>();
        try
        {
            foreach (TensorEntry tensor in weights.Tensors)
            {
                _tensors.Add(tensor.Name, (tensor, TorchTypes.Of(tensor.DType) is torch.ScalarType type ? ViewOf(tensor, type) : null));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        finally
        {
            foreach (torch.Tensor whole in typed.Values.Concat(storages.Values))
            {
                whole.Dispose();
            }
        }

        torch.Tensor ViewOf(TensorEntry tensor, torch.ScalarType type)
        {
            ref torch.Tensor? elements = ref CollectionsMarshal.GetValueRefOrAddDefault(typed, (tensor.Storage, type), out _);
            elements ??= Typed(tensor, type);
            torch.Tensor view = TensorMemory.Strided(elements, tensor.Shape, tensor.Strides, tensor.ElementOffset);
            if (!tensor.LazyView.HasFlag(LazyView.Conjugate))
            {
                return view;
            }
            using (view)
            {
                return view.conj().DetachFromDisposeScope();
            }
        }

        torch.Tensor Typed(TensorEntry tensor, torch.ScalarType type)
        {
            ref torch.Tensor? bytes = ref CollectionsMarshal.GetValueRefOrAddDefault(storages, tensor.Storage, out _);
            bytes ??= storageOf(tensor.Storage);
            // Another tensor of the storage can have smaller elements, so the storage may not be a multiple of this element size.
            long size = tensor.DType.ElementSize();
            using torch.Tensor whole = bytes.narrow(0, 0, weights.StorageLengths[tensor.Storage] / size * size);
            return TensorMemory.ViewAs(whole, type);
        }
    }

    /// <summary>The names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Returns a tensor. It belongs to the weights. Use <c>alias()</c> to keep it, and <c>clone()</c> to change a copy.</summary>
    /// <exception cref="KeyNotFoundException">No tensor has that name.</exception>
    /// <exception cref="MemLoadException">ML7020: TorchSharp does not support its element type.</exception>
    public torch.Tensor this[string name]
    {
        get
        {
            lock (_asking)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                (TensorEntry entry, torch.Tensor? tensor) = _tensors[name];
                if (tensor is null)
                {
                    throw Rules.TorchDTypeUnknown.Broken($"the tensor '{name}' is {entry.DType.TorchName()}");
                }
                if (!entry.LazyView.HasFlag(LazyView.Negative))
                {
                    return tensor;
                }
                // TorchSharp cannot mark a view as negated. This tensor therefore has its own memory.
                torch.Tensor negated = tensor.neg().DetachFromDisposeScope();
                tensor.Dispose();
                _tensors[name] = (entry with { LazyView = LazyView.None }, negated);
                return negated;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_asking)
        {
            _disposed = true;
            foreach ((_, torch.Tensor? tensor) in _tensors.Values)
            {
                tensor?.Dispose();
            }
            _tensors.Clear();
        }
    }
}

/// <summary>Converts weights to tensors of libtorch.</summary>
public static class TorchWeights
{
    /// <summary>Returns the weights as tensors of libtorch, without a copy.</summary>
    /// <exception cref="MemLoadException">ML7021: the weights are on another device than torch:cpu and torch:cuda:N.</exception>
    public static TorchStateDict AsTorch(this LoadedWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return weights.Presentation as TorchStateDict
            ?? throw Rules.NotTorchWeights.Broken("the weights were loaded to a device without libtorch");
    }
}
