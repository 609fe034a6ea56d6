namespace MemLoad;

/// <summary>
/// The <c>data.pkl</c> of a .pth file, with the calls that <c>torch.save</c> writes (torch/_tensor.py, <c>_reduce_ex_internal</c>, of
/// 2.6).
/// </summary>
internal static class TorchPickle
{
    private const int PairsAtOnce = 1000; // as in pickle; a loader has this number of pairs on its stack

    /// <summary>An <c>OrderedDict</c> from names to tensors.</summary>
    public static byte[] StateDict(IWeightSource source, TorchStorages storages)
    {
        var pickle = new PickleWriter();
        OrderedDictionary(pickle);
        ImmutableArray<TensorEntry> tensors = source.Tensors;
        for (int i = 0; i < tensors.Length; i++)
        {
            if (i % PairsAtOnce == 0)
            {
                pickle.Mark();
            }
            TensorEntry tensor = tensors[i];
            pickle.Text(tensor.Name);
            int key = storages.KeyOf(i);
            Tensor(pickle, tensor with { ElementOffset = storages.OffsetOf(i) }, key, storages.Storages[key]);
            if (i % PairsAtOnce == PairsAtOnce - 1 || i == tensors.Length - 1)
            {
                pickle.SetItems();
            }
        }
        return pickle.Finish();
    }

    /// <summary>Writes a bare tensor.</summary>
    public static byte[] BareTensor(TensorEntry tensor, TorchStorage storage)
    {
        var pickle = new PickleWriter();
        Tensor(pickle, tensor, 0, storage);
        return pickle.Finish();
    }

    private static void OrderedDictionary(PickleWriter pickle)
    {
        pickle.Global("collections", "OrderedDict");
        pickle.EmptyTuple();
        pickle.Reduce();
    }

    private static void Tensor(PickleWriter pickle, TensorEntry tensor, int key, TorchStorage storage)
    {
        string? legacyClass = TorchStorageClass.Of(tensor.DType);
        pickle.Global("torch._utils", legacyClass is null ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
        pickle.Mark();

        pickle.Mark();
        pickle.RepeatedText("storage");
        pickle.Global(legacyClass is null ? "torch.storage" : "torch", legacyClass ?? "UntypedStorage");
        pickle.Text(key.ToString(CultureInfo.InvariantCulture));
        pickle.RepeatedText("cpu");
        pickle.Integer(storage.Count);
        pickle.Tuple();
        pickle.PersistentId();

        pickle.Integer(tensor.ElementOffset);
        pickle.Integers(tensor.Shape);
        pickle.Integers(tensor.Strides);
        pickle.Boolean(false); // requires_grad
        OrderedDictionary(pickle); // backward hooks: none
        if (legacyClass is null)
        {
            pickle.Global("torch", tensor.DType.TorchName());
        }
        if (tensor.LazyView != LazyView.None)
        {
            pickle.EmptyDictionary();
            pickle.Mark();
            if (tensor.LazyView.HasFlag(LazyView.Conjugate))
            {
                pickle.RepeatedText("conj");
                pickle.Boolean(true);
            }
            if (tensor.LazyView.HasFlag(LazyView.Negative))
            {
                pickle.RepeatedText("neg");
                pickle.Boolean(true);
            }
            pickle.SetItems();
        }
        pickle.Tuple();
        pickle.Reduce();
    }
}
