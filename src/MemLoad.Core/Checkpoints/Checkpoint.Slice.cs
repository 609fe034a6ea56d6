namespace MemLoad;

public sealed partial class Checkpoint
{
    /// <summary>
    /// Returns one rank's slice of each tensor. The dimension of the split is divided as <c>torch.chunk</c> and <c>Shard</c> of
    /// <c>torch.distributed.tensor</c> divide it. Each rank has the same number of rows or columns, rounded up. The last ranks have fewer
    /// or none. A tensor that has no such dimension is on every rank.
    /// </summary>
    /// <remarks>
    /// The storages have the bytes of the slices only. Some storages keep the whole range between the first and the last byte of the slices
    /// in them. These are storages that different tensors share, and storages whose tensor is not contiguous.
    /// </remarks>
    /// <param name="rank">Number of the rank, from 0 as in <c>torch.distributed</c>.</param>
    /// <param name="count">The number of ranks.</param>
    /// <param name="split">The dimension.</param>
    /// <exception cref="MemLoadException">ML6009: the rank does not exist; ML6017: a slice would end inside a block of packed
    /// elements.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The split is not a value of <see cref="TensorSplit"/>.</exception>
    public Checkpoint Slice(int rank, int count, TensorSplit split)
    {
        if (split is not (TensorSplit.Rows or TensorSplit.Columns))
        {
            throw new ArgumentOutOfRangeException(nameof(split), split, "The split is of rows or columns.");
        }
        RequireRank(rank, count);
        if (count == 1)
        {
            return this;
        }
        int dimension = (int)split;
        bool[] mixed = MixedStorages();
        Extent[] storages = [.. Storages];
        var tensors = ImmutableArray.CreateBuilder<TensorEntry>(Tensors.Length);
        foreach (TensorEntry tensor in Tensors)
        {
            if (tensor.Shape.Length <= dimension)
            {
                tensors.Add(tensor);
                continue;
            }
            (long first, long size) = ShareOf(tensor.Shape[dimension], rank, count);
            ImmutableArray<long> shape = tensor.Shape.SetItem(dimension, size);
            if (!mixed[tensor.Storage])
            {
                ImmutableArray<long> origin = ShapeMath.Origin(shape.Length).SetItem(dimension, first);
                storages[tensor.Storage] = Slice(tensor, new ChunkBox(origin, shape));
                tensors.Add(tensor with { Shape = shape, Strides = ShapeMath.ContiguousStrides(shape), ElementOffset = 0 });
            }
            else
            {
                RequireSingleElements(tensor);
                tensors.Add(
                    tensor with
                    {
                        Shape = shape,
                        ElementOffset = checked(tensor.ElementOffset + (first * tensor.Strides[dimension])),
                    });
            }
        }
        return Narrowed([.. storages], tensors.MoveToImmutable(), Metadata);
    }

    // Each rank has the same number, rounded up.
    private static (long First, long Size) ShareOf(long length, int rank, int count)
    {
        long each = (length / count) + (length % count == 0 ? 0 : 1);
        long first = (long)Int128.Min(length, (Int128)each * rank);
        return (first, Math.Min(each, length - first));
    }

    // Returns, by storage, whether it has tensors that differ in more than their names, or a tensor that is not contiguous.
    private bool[] MixedStorages()
    {
        var first = new TensorEntry?[Storages.Length];
        bool[] mixed = new bool[Storages.Length];
        foreach (TensorEntry tensor in Tensors)
        {
            TensorEntry other = first[tensor.Storage] ??= tensor;
            mixed[tensor.Storage] |= !tensor.IsContiguous || other.DType != tensor.DType || other.ElementOffset != tensor.ElementOffset
                || !other.Shape.AsSpan().SequenceEqual(tensor.Shape.AsSpan());
        }
        return mixed;
    }

    // Returns the storage of a box of a tensor that shares its storage with no other tensor.
    private Extent Slice(TensorEntry tensor, ChunkBox box)
    {
        Extent storage = Storages[tensor.Storage];
        if (box.IsEmpty)
        {
            return new Extent(storage.File, storage.Offset, 0);
        }
        ElementLayout layout = tensor.DType.Layout();
        if (!layout.IsWhole(box.Offsets[^1]) || !layout.IsWhole(box.Sizes[^1]))
        {
            throw Rules.SliceInsideBlock.Broken(
                $"a slice of tensor {Printable.Quote(tensor.Name)} would have {box.Sizes[^1]} elements in a row, from element "
                    + $"{box.Offsets[^1]}, and {tensor.DType.TorchName()} has blocks of {layout.Elements}",
                Files[storage.File].Path);
        }
        ChunkBox whole = InBlocks(ChunkBox.Whole(tensor.Shape), layout);
        ChunkBox slice = InBlocks(box, layout);
        ImmutableArray<StorageChunk> chunks = storage.IsInChunks ? storage.Chunks
            : [StorageChunk.OfBox(storage.File, storage.Offset + tensor.ByteOffset, layout.Bytes, whole.Sizes, whole)];
        chunks = [.. chunks.Select(chunk => chunk.In(slice)).OfType<StorageChunk>().OrderBy(chunk => chunk.Start)];
        var extent = new Extent(chunks[0].File, chunks[0].Offset, chunks.Sum(chunk => chunk.Length));
        return chunks is [{ IsOnePiece: true, IsOneRun: true }] ? extent : extent with { Chunks = chunks };
    }

    // Packed elements are counted in blocks along the last dimension.
    private static ChunkBox InBlocks(ChunkBox box, ElementLayout layout) => layout.IsSingle ? box : new ChunkBox(
        box.Offsets.SetItem(box.Offsets.Length - 1, box.Offsets[^1] / layout.Elements),
        box.Sizes.SetItem(box.Sizes.Length - 1, box.Sizes[^1] / layout.Elements));

    private void RequireSingleElements(TensorEntry tensor)
    {
        if (!tensor.DType.Layout().IsSingle)
        {
            throw Rules.SliceInsideBlock.Broken(
                $"tensor {Printable.Quote(tensor.Name)} of {tensor.DType.TorchName()} shares its storage with other tensors",
                Files[Storages[tensor.Storage].File].Path);
        }
    }
}
