namespace MemLoad;

/// <summary>
/// A part of a storage: a box of elements that a rank of a training saved, or that a rank of a server loads. Its bytes are in runs of equal
/// length. The shard of a training is one piece of a file. In the storage, it has one run if it is a range of rows of a matrix. If it is a
/// range of columns, it has one run per row. A slice of columns has one run per row in the file.
/// </summary>
public sealed class StorageChunk
{
    // The loops around a run, outermost first: the number of repetitions, and the distances in the file and in the storage in bytes.
    private readonly record struct Loop(long Count, long FileStep, long Step);

    // A disk reads at least one page.
    private const long Close = 4096;

    // A disk is slow for short reads that are apart. Runs with smaller gaps are requested from it together with the bytes between them.
    private const long FarApart = 128 << 10;

    private readonly ImmutableArray<Loop> _loops;
    private readonly ChunkBox _box; // in the tensor
    private readonly ChunkBox _array; // the array of the file that has the box: its first element and its dimensions
    private readonly long _arrayOffset;
    private readonly int _elementBytes;
    private readonly long _largestGap; // the most bytes between two runs in the file

    private StorageChunk(int file, long arrayOffset, int elementBytes, ChunkBox array, ImmutableArray<long> shape, ChunkBox box)
    {
        var loops = new List<Loop>();
        long run = elementBytes;
        long length = elementBytes;
        (long fileStep, long step) = (elementBytes, elementBytes); // bytes of an element of the current dimension
        (long offset, long start) = (arrayOffset, 0);
        bool whole = true; // the inner dimensions are complete, so that this one continues the run
        IsOneRun = IsOnePiece = true;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            long size = box.Sizes[d];
            offset = checked(offset + (array.Offsets[d] * fileStep));
            start = checked(start + (box.Offsets[d] * step));
            if (size > 1)
            {
                // Elements of this dimension follow each other if all before them are consecutive.
                IsOnePiece &= fileStep == length;
                IsOneRun &= step == length;
            }
            length = checked(length * size);
            if (whole)
            {
                run = checked(run * size);
                whole = size == shape[d] && size == array.Sizes[d];
            }
            else if (loops.Count > 0
                && size > 1
                && loops[^1].Step * loops[^1].Count == step
                && loops[^1].FileStep * loops[^1].Count == fileStep)
            {
                loops[^1] = loops[^1] with { Count = loops[^1].Count * size };
            }
            else if (size > 1)
            {
                loops.Add(new Loop(size, fileStep, step));
            }
            fileStep = checked(fileStep * array.Sizes[d]);
            step = checked(step * shape[d]);
        }
        loops.Reverse();
        _loops = [.. loops];
        _box = box;
        _array = array;
        _arrayOffset = arrayOffset;
        _elementBytes = elementBytes;
        File = file;
        Offset = offset;
        Length = length;
        Start = start;
        RunBytes = run;
        _largestGap = GapIn(_loops, run);
    }

    /// <summary>Index into <see cref="Checkpoint.Files"/>.</summary>
    public int File { get; private set; }

    /// <summary>Byte offset of the first run in that file.</summary>
    public long Offset { get; }

    /// <summary>Length in bytes, not 0.</summary>
    public long Length { get; }

    /// <summary>Byte offset in the storage of the first run.</summary>
    public long Start { get; }

    /// <summary>Bytes of a run, which are consecutive in the file and in the storage.</summary>
    public long RunBytes { get; }

    /// <summary>True if all bytes are consecutive in the storage.</summary>
    public bool IsOneRun { get; }

    /// <summary>True if all bytes are consecutive in the file.</summary>
    public bool IsOnePiece { get; }

    /// <summary>True if the runs in the file are so close that each read takes several runs, with the bytes between them.</summary>
    internal bool IsClose => !IsOnePiece && _largestGap <= Close;

    /// <summary>Creates the chunk of a box that is one piece of a file, in a tensor that is contiguous in its storage.</summary>
    /// <param name="file">Index of the file.</param>
    /// <param name="offset">Byte offset in the file.</param>
    /// <param name="elementBytes">Bytes of an element.</param>
    /// <param name="shape">Dimensions of the tensor. Its bytes fit 64 bits.</param>
    /// <param name="box">The box, which is not empty and is inside the tensor.</param>
    internal static StorageChunk OfBox(int file, long offset, int elementBytes, ImmutableArray<long> shape, ChunkBox box) =>
        new(file, offset, elementBytes, ChunkBox.Whole(box.Sizes), shape, box);

    /// <summary>Returns the part of the chunk that is in a slice of the tensor. The slice becomes a separate tensor.</summary>
    /// <param name="slice">The slice, which is not empty and is inside the tensor.</param>
    /// <returns>The part, in the storage of the slice; null if the chunk has no element of the slice.</returns>
    internal StorageChunk? In(ChunkBox slice)
    {
        ChunkBox common = _box.Common(slice);
        if (common.IsEmpty)
        {
            return null;
        }
        ChunkBox array = _array with { Offsets = [.. _array.Offsets.Select((first, d) => first + common.Offsets[d] - _box.Offsets[d])] };
        return new StorageChunk(File, _arrayOffset, _elementBytes, array, slice.Sizes, common.From(slice.Offsets));
    }

    /// <summary>Returns the offset in the storage of a byte of the chunk.</summary>
    /// <param name="offset">Byte offset in the chunk.</param>
    public long PlaceOf(long offset) => At(offset).Place;

    /// <summary>Returns the offset in the file of a byte of the chunk.</summary>
    internal long InFile(long offset) => At(offset).InFile;

    /// <summary>Fills memory with consecutive bytes of the chunk, with one read per run in the file.</summary>
    /// <exception cref="MemLoadException">As from <see cref="CheckpointFileReader.ReadBulk"/>.</exception>
    internal void Read(CheckpointFileReader file, long offset, Span<byte> destination)
    {
        if (IsOnePiece)
        {
            file.ReadBulk(Offset + offset, destination);
            return;
        }
        if (_largestGap <= FarApart)
        {
            long first = InFile(offset);
            file.Expect(first, InFile(offset + destination.Length - 1) + 1 - first);
        }
        while (!destination.IsEmpty)
        {
            int run = (int)Math.Min(RunBytes - (offset % RunBytes), destination.Length);
            file.ReadBulk(InFile(offset), destination[..run]);
            destination = destination[run..];
            offset += run;
        }
    }

    /// <summary>
    /// Returns the offset in the chunk of its first byte at or after an offset of the storage; the length if there is none.
    /// </summary>
    internal long FirstFrom(long place) => First(place - Start, loop => loop.Step);

    /// <summary>Returns the offset in the chunk of its first byte at or after an offset of the file; the length if there is none.</summary>
    internal long FirstInFileFrom(long place) => First(place - Offset, loop => loop.FileStep);

    /// <summary>Returns the chunk for a list of files with other indices.</summary>
    internal StorageChunk WithFile(int file)
    {
        var same = (StorageChunk)MemberwiseClone();
        same.File = file;
        return same;
    }

    // Computes the offset from the distance to the first run, and from the distance between the runs of a loop.
    private long First(long rest, Func<Loop, long> step)
    {
        if (rest <= 0)
        {
            return 0;
        }
        long block = Length; // bytes of the chunk in one iteration of the enclosing loop
        long offset = 0;
        foreach (Loop loop in _loops)
        {
            block /= loop.Count;
            long turn = Math.Min(rest / step(loop), loop.Count);
            offset += turn * block;
            if (turn == loop.Count)
            {
                return offset;
            }
            rest -= turn * step(loop);
        }
        return offset + Math.Min(rest, RunBytes);
    }

    private static long GapIn(ImmutableArray<Loop> loops, long run)
    {
        long gap = 0;
        long end = run; // of the runs of the inner loops
        for (int i = loops.Length - 1; i >= 0; i--)
        {
            gap = Math.Max(gap, loops[i].FileStep - end);
            end += (loops[i].Count - 1) * loops[i].FileStep;
        }
        return gap;
    }

    private (long InFile, long Place) At(long offset)
    {
        (long run, long rest) = Math.DivRem(offset, RunBytes);
        (long inFile, long place) = (Offset + rest, Start + rest);
        for (int i = _loops.Length - 1; i >= 0 && run > 0; i--)
        {
            (run, long index) = Math.DivRem(run, _loops[i].Count);
            inFile += index * _loops[i].FileStep;
            place += index * _loops[i].Step;
        }
        return (inFile, place);
    }
}
