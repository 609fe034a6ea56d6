namespace MemLoad;

/// <summary>A box of elements in a tensor: the first element and the dimensions, by dimension.</summary>
internal readonly record struct ChunkBox(ImmutableArray<long> Offsets, ImmutableArray<long> Sizes)
{
    /// <summary>True if it has no elements, as for a rank beyond the last row.</summary>
    public bool IsEmpty => Sizes.Contains(0);

    /// <summary>The box of a whole tensor.</summary>
    public static ChunkBox Whole(ImmutableArray<long> shape) => new(ShapeMath.Origin(shape.Length), shape);

    /// <summary>True if it is the whole tensor.</summary>
    public bool IsWhole(ImmutableArray<long> shape) => Sizes.AsSpan().SequenceEqual(shape.AsSpan());

    /// <summary>Returns the elements that are in both boxes. Boxes that share none give an empty box.</summary>
    public ChunkBox Common(ChunkBox other)
    {
        long[] offsets = new long[Offsets.Length];
        long[] sizes = new long[Offsets.Length];
        for (int d = 0; d < offsets.Length; d++)
        {
            offsets[d] = Math.Max(Offsets[d], other.Offsets[d]);
            sizes[d] = Math.Max(0, Math.Min(Offsets[d] + Sizes[d], other.Offsets[d] + other.Sizes[d]) - offsets[d]);
        }
        return new ChunkBox([.. offsets], [.. sizes]);
    }

    /// <summary>The same box, counted from an element of the tensor.</summary>
    public ChunkBox From(ImmutableArray<long> origin) =>
        this with
        {
            Offsets = [.. Offsets.Zip(origin, (offset, first) => offset - first)],
        };
}
