namespace MemLoad;

/// <summary>One storage of a .pth file: a range of a storage of the source, and its class.</summary>
/// <param name="Source">Index of the source's storage.</param>
/// <param name="Start">The first byte of the range.</param>
/// <param name="Length">The bytes of the range.</param>
/// <param name="DType">The type whose legacy storage class it gets; null for an untyped storage.</param>
internal readonly record struct TorchStorage(int Source, long Start, long Length, DType? DType)
{
    /// <summary>The count of PyTorch: elements of a typed storage, bytes of an untyped storage.</summary>
    public long Count => Length / (DType?.ElementSize() ?? 1);
}

/// <summary>
/// The storages that a .pth file needs for the tensors of a source, in the order of first use. In PyTorch each storage has one type. A
/// storage with views of several types is written once per type. Views of one type share it, and only the range that they use is written.
/// </summary>
internal sealed class TorchStorages
{
    private readonly IWeightSource _source;
    private readonly ImmutableArray<long> _lengths;
    private readonly int[] _keys;
    private readonly long[] _offsets;

    public TorchStorages(IWeightSource source)
    {
        _source = source;
        _lengths = source.StorageLengths;
        ImmutableArray<TensorEntry> tensors = source.Tensors;
        var groups = new Dictionary<(int Storage, DType? DType), Group>();
        var order = new List<Group>();
        int[] kinds = new int[_lengths.Length];
        _keys = new int[tensors.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            TensorEntry tensor = tensors[i];
            DType? dtype = TorchStorageClass.Of(tensor.DType) is null ? null : tensor.DType;
            if (!groups.TryGetValue((tensor.Storage, dtype), out Group? group))
            {
                group = new Group(order.Count, tensor.Storage, dtype);
                groups.Add((tensor.Storage, dtype), group);
                order.Add(group);
                kinds[tensor.Storage]++;
            }
            group.Include(tensor);
            _keys[i] = group.Key;
        }
        Storages = [.. order.Select(group => group.Take(_lengths[group.Storage], whole: kinds[group.Storage] == 1))];
        _offsets = new long[tensors.Length];
        for (int i = 0; i < tensors.Length; i++)
        {
            // The start of an empty view has no effect. A start after the end of the written range would not load.
            _offsets[i] =
                tensors[i].ElementCount == 0 ? 0 : (tensors[i].ByteOffset - Storages[_keys[i]].Start) / tensors[i].DType.ElementSize();
        }
    }

    public ImmutableArray<TorchStorage> Storages { get; }

    /// <summary>Returns the index in <see cref="Storages"/> for a tensor of the source.</summary>
    public int KeyOf(int tensor) => _keys[tensor];

    /// <summary>Returns the start of a tensor of the source in its storage, in elements.</summary>
    public long OffsetOf(int tensor) => _offsets[tensor];

    /// <summary>The bytes of one of <see cref="Storages"/>.</summary>
    public StoredBytes Bytes(TorchStorage storage)
    {
        if (storage.Length == 0)
        {
            return StoredBytes.Of([]);
        }
        bool isWhole = storage.Start == 0 && storage.Length == _lengths[storage.Source];
        if (_source is Checkpoint checkpoint && (isWhole || !checkpoint.Storages[storage.Source].IsInChunks))
        {
            return StoredBytes.Of(_source, TensorEntry.OfStorage(storage.Source, storage.Length, storage.Start));
        }
        return new StoredBytes(storage.Length, (output, seen) =>
        {
            long skip = storage.Start;
            long left = isWhole ? long.MaxValue : storage.Length; // a whole storage is counted when it is written
            _source.StreamStorage(storage.Source, piece =>
            {
                int skipped = (int)Math.Min(skip, piece.Length);
                skip -= skipped;
                ReadOnlySpan<byte> part = piece[skipped..];
                part = part[..(int)Math.Min(left, part.Length)];
                left -= part.Length;
                seen(part);
                output.Append(part);
            });
        });
    }

    // The tensors that use one storage with one storage class.
    private sealed class Group(int key, int storage, DType? dtype)
    {
        private long _start = long.MaxValue;
        private long _end;
        private int _alignment = 1;

        public int Key => key;

        public int Storage => storage;

        public void Include(TensorEntry tensor)
        {
            if (tensor.ElementCount > 0)
            {
                int size = tensor.DType.ElementSize();
                _start = Math.Min(_start, tensor.ByteOffset);
                _end = Math.Max(_end, tensor.ByteOffset + (ShapeMath.Span(tensor.Shape, tensor.Strides) * size));
                _alignment = Math.Max(_alignment, size);
            }
        }

        public TorchStorage Take(long length, bool whole)
        {
            if (whole)
            {
                // A rest shorter than an element belongs to no tensor, and PyTorch counts whole elements.
                return new TorchStorage(storage, 0, dtype is { } type ? length - (length % type.ElementSize()) : length, dtype);
            }
            long start = _end == 0 ? 0 : _start / _alignment * _alignment;
            return new TorchStorage(storage, start, _end - start, dtype);
        }
    }
}
