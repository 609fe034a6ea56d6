namespace MemLoad;

/// <summary>
/// The layout of blocks that are allocated together in one mapping. Blocks of storages have the layout of their file, with the headers
/// between them, if this needs only little more memory. Whole blocks of the file can then be read directly to their destination, and
/// several small storages with one read.
/// </summary>
internal sealed class HostLayout
{
    // Storages with a larger distance in the file are not kept together, because the memory between them is unused.
    private const long LargestGap = 4096;

    // The alignment of direct reads, for blocks of the file and pages of memory.
    private const long Page = 4096;

    // The layout may use this fraction more memory than the plan forecasts.
    private const long Tolerance = 1024;

    private HostLayout(ImmutableArray<Place> blocks, long bytes)
    {
        Blocks = blocks;
        Bytes = bytes;
    }

    /// <summary>One block: its start in the mapping, a multiple of 64, its length, and the number of unused bytes after it.</summary>
    public readonly record struct Place(long Offset, long Length, long PaddingBytes);

    /// <summary>The blocks in the order of the request.</summary>
    public ImmutableArray<Place> Blocks { get; }
    public long Bytes { get; }

    /// <summary>Places the blocks consecutively.</summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    public static HostLayout Packed(IReadOnlyList<long> lengths)
    {
        var blocks = ImmutableArray.CreateBuilder<Place>(lengths.Count);
        long end = 0;
        foreach (long length in lengths)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(length);
            blocks.Add(new Place(end, length, 0));
            end = checked(end + HostMemory.Aligned(length));
        }
        return new HostLayout(blocks.MoveToImmutable(), end);
    }

    /// <summary>
    /// Places the blocks as their storages are in the files, or one after the other if that needs clearly less memory. A storage with a
    /// cast has another length than its block, and its block can be anywhere.
    /// </summary>
    /// <exception cref="OverflowException">The sum does not fit 64 bits.</exception>
    public static HostLayout LikeFiles(IReadOnlyList<long> lengths, IReadOnlyList<Extent> storages)
    {
        HostLayout packed = Packed(lengths);
        var blocks = new Place[lengths.Count];
        long end = 0; // of the previous block
        int before = -1; // the index of the previous block, if it has the layout of its file
        foreach (int i in Enumerable.Range(0, blocks.Length).OrderBy(i => storages[i].File).ThenBy(i => storages[i].Offset))
        {
            Extent storage = storages[i];
            long start = HostMemory.Aligned(end);
            bool fits =
                lengths[i] == storage.Length && storage.Length > 0 && !storage.IsInChunks && storage.Offset % HostMemory.Alignment == 0;
            if (fits
                && before >= 0
                && storages[before].File == storage.File
                && storage.Offset - storages[before].Length - storages[before].Offset is >= 0 and <= LargestGap and long gap)
            {
                start = checked(end + gap);
                blocks[before] = blocks[before] with { PaddingBytes = gap };
            }
            else if (fits)
            {
                start = checked(start + ((storage.Offset - start) % Page + Page) % Page);
            }
            blocks[i] = new Place(start, lengths[i], 0);
            end = checked(start + lengths[i]);
            before = fits ? i : -1;
        }
        return end <= packed.Bytes + (packed.Bytes / Tolerance) ? new HostLayout([.. blocks], end) : packed;
    }
}
