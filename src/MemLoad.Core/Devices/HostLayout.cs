using System.Collections.Immutable;

namespace MemLoad;

/// <summary>
/// Where blocks that are allocated together lie in one mapping. Those of storages lie as their file has them, the headers between them included, where that
/// takes next to no more memory: whole blocks of the file can then be read to where they belong, with nothing to be moved, and small storages with one read.
/// </summary>
internal sealed class HostLayout
{
    // What lies further apart in its file is not worth the memory between.
    private const long LargestGap = 4096;

    // Files' blocks and memory's pages, to which direct reads are aligned on both sides.
    private const long Page = 4096;

    // As much memory as the plan forecasts, within this part of it.
    private const long Tolerance = 1024;

    private HostLayout(ImmutableArray<Place> blocks, long bytes)
    {
        Blocks = blocks;
        Bytes = bytes;
    }

    /// <summary>One block.</summary>
    /// <param name="Offset">Where it begins in the mapping, a multiple of 64.</param>
    /// <param name="Length">Its length in bytes.</param>
    /// <param name="Spare">So many bytes behind it are nobody's.</param>
    public readonly record struct Place(long Offset, long Length, long Spare);

    /// <summary>In the order in which they were asked for.</summary>
    public ImmutableArray<Place> Blocks { get; }

    /// <summary>Bytes of the mapping.</summary>
    public long Bytes { get; }

    /// <summary>One block behind the other.</summary>
    /// <param name="lengths">Their lengths in bytes.</param>
    /// <exception cref="OverflowException">Together they are more than any memory.</exception>
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

    /// <summary>As the storages that the blocks are for lie in their files, or packed where that takes noticeably less memory.</summary>
    /// <param name="lengths">The blocks' lengths in bytes.</param>
    /// <param name="storages">Where the storages lie, one for each block; one that has another length than its block, as it is cast, lies anywhere.</param>
    /// <exception cref="OverflowException">Together they are more than any memory.</exception>
    public static HostLayout LikeFiles(IReadOnlyList<long> lengths, IReadOnlyList<Extent> storages)
    {
        HostLayout packed = Packed(lengths);
        var blocks = new Place[lengths.Count];
        long end = 0; // of the block before
        int before = -1; // which it was, if it lies as in its file
        foreach (int i in Enumerable.Range(0, blocks.Length).OrderBy(i => storages[i].File).ThenBy(i => storages[i].Offset))
        {
            Extent storage = storages[i];
            long start = HostMemory.Aligned(end);
            bool fits = lengths[i] == storage.Length && storage.Length > 0 && storage.Offset % HostMemory.Alignment == 0;
            if (fits && before >= 0 && storages[before].File == storage.File && storage.Offset - storages[before].Length - storages[before].Offset is >= 0 and <= LargestGap and long gap)
            {
                start = checked(end + gap);
                blocks[before] = blocks[before] with { Spare = gap };
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
