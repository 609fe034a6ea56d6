using System.Collections.Immutable;

namespace MemLoad;

/// <summary>
/// A part of a storage, as a rank of a training saved it: a box of elements. It lies in one piece in a file. In the storage it lies in runs
/// of equal length: one run for some rows of a matrix, one per row for some columns.
/// </summary>
public sealed class StorageChunk
{
    // The loops around a run, outermost first: how often, and the distance in the storage in bytes.
    private readonly ImmutableArray<(long Count, long Step)> _loops;

    private StorageChunk(int file, long offset, long length, long start, long runBytes, ImmutableArray<(long Count, long Step)> loops)
    {
        File = file;
        Offset = offset;
        Length = length;
        Start = start;
        RunBytes = runBytes;
        _loops = loops;
    }

    /// <summary>Index into <see cref="Checkpoint.Files"/>.</summary>
    public int File { get; }

    /// <summary>Byte offset in that file.</summary>
    public long Offset { get; }

    /// <summary>Length in bytes, not 0.</summary>
    public long Length { get; }

    /// <summary>Byte offset in the storage of the first run.</summary>
    public long Start { get; }

    /// <summary>Bytes of a run, which are consecutive in the file and in the storage.</summary>
    public long RunBytes { get; }

    /// <summary>True if the chunk is one run.</summary>
    public bool IsOneRun => RunBytes == Length;

    /// <summary>Creates the chunk of a box in a tensor that is contiguous in its storage.</summary>
    /// <param name="file">Index of the file.</param>
    /// <param name="offset">Byte offset in the file.</param>
    /// <param name="elementBytes">Bytes of an element.</param>
    /// <param name="shape">Dimensions of the tensor. Its bytes fit 64 bits.</param>
    /// <param name="offsets">The first element of the box, by dimension.</param>
    /// <param name="sizes">Dimensions of the box, which is not empty and lies inside the tensor.</param>
    internal static StorageChunk OfBox(
        int file, long offset, int elementBytes, ImmutableArray<long> shape, ImmutableArray<long> offsets, ImmutableArray<long> sizes)
    {
        var loops = new List<(long Count, long Step)>();
        long run = elementBytes;
        long step = elementBytes; // bytes of an element of the current dimension
        long start = 0;
        bool whole = true; // the inner dimensions are complete, so that this one continues the run
        long length = elementBytes;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            start = checked(start + (offsets[d] * step));
            length = checked(length * sizes[d]);
            if (whole)
            {
                run = checked(run * sizes[d]);
                whole = sizes[d] == shape[d];
            }
            else if (loops.Count > 0 && sizes[d] > 1 && loops[^1].Step * loops[^1].Count == step)
            {
                loops[^1] = (loops[^1].Count * sizes[d], loops[^1].Step);
            }
            else if (sizes[d] > 1)
            {
                loops.Add((sizes[d], step));
            }
            step = checked(step * shape[d]);
        }
        loops.Reverse();
        return new StorageChunk(file, offset, length, start, run, [.. loops]);
    }

    /// <summary>Returns where a byte of the chunk lies in the storage.</summary>
    /// <param name="offset">Byte offset in the chunk.</param>
    public long PlaceOf(long offset)
    {
        (long run, long place) = Math.DivRem(offset, RunBytes);
        place += Start;
        for (int i = _loops.Length - 1; i >= 0 && run > 0; i--)
        {
            (run, long index) = Math.DivRem(run, _loops[i].Count);
            place += index * _loops[i].Step;
        }
        return place;
    }

    /// <summary>
    /// Returns the offset of the first byte of the chunk that lies at a place of the storage or after it; the length if none does.
    /// </summary>
    /// <param name="place">Byte offset in the storage.</param>
    internal long FirstFrom(long place)
    {
        long rest = place - Start;
        if (rest <= 0)
        {
            return 0;
        }
        long block = Length; // bytes of the chunk in one turn of the loop around
        long offset = 0;
        foreach ((long count, long step) in _loops)
        {
            block /= count;
            long turn = Math.Min(rest / step, count);
            offset += turn * block;
            if (turn == count)
            {
                return offset;
            }
            rest -= turn * step;
        }
        return offset + Math.Min(rest, RunBytes);
    }

    /// <summary>The chunk in a list of files with other indices.</summary>
    internal StorageChunk InFile(int file) => new(file, Offset, Length, Start, RunBytes, _loops);
}
