namespace MemLoad;

/// <summary>Checks that chunks tile their tensor: each element is in one chunk.</summary>
internal static class ChunkTiling
{
    /// <summary>
    /// Checks the boxes of a tensor, at least one. Its elements fit 64 bits. The budget limits the time for boxes that form no grid.
    /// </summary>
    /// <exception cref="MemLoadException">ML1013, ML5104, ML5105 or ML5106.</exception>
    public static void Check(string name, ImmutableArray<long> shape, IReadOnlyList<ChunkBox> boxes, FileBudget budget)
    {
        long elements = ShapeMath.ElementCount(shape);
        Int128 covered = 0;
        var filled = new List<ChunkBox>(boxes.Count);
        foreach (ChunkBox box in boxes)
        {
            CheckBounds(name, shape, box, budget.Path);
            if (!box.IsEmpty)
            {
                filled.Add(box);
                covered += ShapeMath.ElementCount(box.Sizes);
            }
        }
        // The product of dimensions inside the tensor fits 64 bits. The sum of as many products as there are boxes fits 128 bits.
        if (!IsGrid(shape, filled))
        {
            CheckPairs(name, filled, budget);
        }
        if (covered < elements)
        {
            throw Rules.DistributedGap.Broken(
                $"the chunks of tensor {Printable.Quote(name)} have {covered} of its {elements} elements", budget.Path);
        }
    }

    private static void CheckBounds(string name, ImmutableArray<long> shape, ChunkBox box, string path)
    {
        bool inside = box.Offsets.Length == shape.Length && box.Sizes.Length == shape.Length;
        for (int d = 0; inside && d < shape.Length; d++)
        {
            inside = box.Offsets[d] >= 0 && box.Sizes[d] >= 0 && box.Sizes[d] <= shape[d] && box.Offsets[d] <= shape[d] - box.Sizes[d];
        }
        if (!inside)
        {
            throw Rules.DistributedChunk.Broken(
                $"tensor {Printable.Quote(name)} of shape ({string.Join(", ", shape)}) has a chunk of shape "
                + $"({string.Join(", ", box.Sizes)}) at ({string.Join(", ", box.Offsets)})", path);
        }
    }

    // Shards of a device mesh form a grid: each is a range of every dimension, and every combination of ranges is a shard. True only if the
    // boxes are such a grid and fill the tensor.
    private static bool IsGrid(ImmutableArray<long> shape, List<ChunkBox> boxes)
    {
        Int128 cells = 1;
        var cuts = new long[shape.Length][];
        for (int d = 0; d < shape.Length; d++)
        {
            int dimension = d;
            cuts[d] = [.. boxes.Select(box => box.Offsets[dimension]).Distinct().Order()];
            cells *= cuts[d].Length;
            if (cells > boxes.Count)
            {
                return false;
            }
        }
        if (cells != boxes.Count)
        {
            return false;
        }
        var seen = new HashSet<long>(boxes.Count);
        foreach (ChunkBox box in boxes)
        {
            long cell = 0;
            for (int d = 0; d < shape.Length; d++)
            {
                int at = Array.BinarySearch(cuts[d], box.Offsets[d]);
                long end = at + 1 < cuts[d].Length ? cuts[d][at + 1] : shape[d];
                if (box.Offsets[d] + box.Sizes[d] != end)
                {
                    return false;
                }
                cell = (cell * cuts[d].Length) + at;
            }
            if (!seen.Add(cell))
            {
                return false;
            }
        }
        return Array.TrueForAll(cuts, cut => cut.Length == 0 || cut[0] == 0);
    }

    // Each box is compared with the boxes that begin in its range of the first dimension that is split.
    private static void CheckPairs(string name, List<ChunkBox> boxes, FileBudget budget)
    {
        int along = Enumerable.Range(0, boxes.Count == 0 ? 0 : boxes[0].Offsets.Length)
            .OrderByDescending(d => boxes.Select(box => box.Offsets[d]).Distinct().Count()).FirstOrDefault();
        ChunkBox[] sorted = [.. boxes.OrderBy(box => along < box.Offsets.Length ? box.Offsets[along] : 0)];
        for (int i = 0; i < sorted.Length; i++)
        {
            long end = sorted[i].Offsets.Length == 0 ? 1 : sorted[i].Offsets[along] + sorted[i].Sizes[along];
            for (int k = i + 1; k < sorted.Length && (sorted[k].Offsets.Length == 0 || sorted[k].Offsets[along] < end); k++)
            {
                budget.Spend(FileBudget.Inspecting(1));
                if (Overlap(sorted[i], sorted[k]))
                {
                    throw Rules.DistributedOverlap.Broken(
                        $"tensor {Printable.Quote(name)} has chunks at ({string.Join(", ", sorted[i].Offsets)}) and "
                        + $"({string.Join(", ", sorted[k].Offsets)}) that share elements", budget.Path);
                }
            }
        }
    }

    private static bool Overlap(ChunkBox one, ChunkBox other)
    {
        for (int d = 0; d < one.Offsets.Length; d++)
        {
            if (one.Offsets[d] + one.Sizes[d] <= other.Offsets[d] || other.Offsets[d] + other.Sizes[d] <= one.Offsets[d])
            {
                return false;
            }
        }
        return true;
    }
}
