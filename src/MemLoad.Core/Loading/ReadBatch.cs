namespace MemLoad;

/// <summary>Executes a run of Read steps together: with several threads, in large pieces, and each byte is read once.</summary>
internal sealed class ReadBatch(LoadView view, CheckpointFileSet files, Workers workers)
{
    // Whole huge pages: a huge page that two threads touch first at the same time is cleared twice.
    private const long BlockBytes = 4 << 20;

    // Bytes that are copied from memory fill one huge page after the other. A cleared page is then still in a cache.
    private const int HugePage = 2 << 20;

    // Bytes that pass through a buffer are read in small pieces, which are still in the second-level cache when they are copied.
    private const int PassedBytes = 1 << 20;

    // A buffer that is too short for one piece per thread is split into slots of at least this length. A shorter buffer is one slot.
    private const long ShortestSlot = 64 << 10;

    // A piece ends with a page of the file, so that the next pieces are whole pages, and slots begin with a page. A disk reads whole pages
    // straight into place. Bytes at another place in their page are moved after the read.
    private const int Page = 4096;

    // Small storages that are close together are read as one piece, including the headers between them.
    private const long LargestGap = 4096;

    // A disk answers several requests at the same time faster than one after the other. More requests than this gain nothing.
    private static readonly int Threads = Math.Clamp(Environment.ProcessorCount, 4, 16);

    // A storage, or a chunk of one. A storage in one piece has no chunk.
    private sealed record Target(int File, long Offset, long Length, MemoryBuffer Buffer, StorageCast? Cast, StorageChunk? Chunk);

    // The bytes of one read. The bytes of a slice of columns are not consecutive in the file, and have their chunk and their offset in it.
    private readonly record struct Piece(
        CheckpointFileReader File, long Offset, int Length, ImmutableArray<Part> Parts, StorageChunk? Apart = null, long ChunkOffset = 0)
    {
        public void Read(int from, Span<byte> memory)
        {
            if (Apart is null)
            {
                File.ReadBulk(Offset + from, memory);
            }
            else
            {
                Apart.Read(File, ChunkOffset + from, memory);
            }
        }
    }

    // A part of one storage inside a piece. A part of a chunk in runs has the chunk, and its offset in it. Its runs follow each other in
    // the piece, or have the distances they have in the file.
    private readonly record struct Part(
        MemoryBuffer Buffer,
        long BufferOffset,
        int PieceOffset,
        int Length,
        StorageCast? Cast,
        StorageChunk? Chunk = null,
        long ChunkOffset = 0,
        bool HasGaps = false)
    {
        public nint Address => Buffer.Address + (nint)BufferOffset;
    }

    // The pieces of a block, as a range of the list. One thread reads them in order.
    private readonly record struct Block(int Start, int End);

    private readonly List<Target> _targets = [];

    public void Add(int storage, MemoryBuffer buffer, bool casts)
    {
        if (buffer.Length == 0)
        {
            return;
        }
        StorageCast? cast = casts ? view.CastOf(storage) : null;
        Extent extent = view.Checkpoint.Storages[storage];
        if (!extent.IsInChunks)
        {
            _targets.Add(new Target(extent.File, extent.Offset, extent.Length, buffer, cast, null));
        }
        foreach (StorageChunk chunk in extent.Chunks)
        {
            _targets.Add(new Target(chunk.File, chunk.Offset, chunk.Length, buffer, cast, chunk));
        }
    }

    /// <summary>
    /// Reads all added storages directly into their buffers, which must be host memory. No storage may be cast, and no chunk may have
    /// several runs.
    /// </summary>
    public unsafe void ReadInPlace(CancellationToken cancellationToken)
    {
        foreach (Piece[] pieces in Cut(_targets, BlockBytes, Cutting.InPlace))
        {
            Expect(pieces);
            Block[] blocks = Blocks(pieces, BlockBytes);
            int made = 0; // the number of blocks whose memory is prepared, or that their reader prepares
            Share(blocks.Length, Threads, (block, _, stop) =>
            {
                bool needsDisk = false;
                for (int i = blocks[block].Start; i < blocks[block].End; i++)
                {
                    stop.ThrowIfCancellationRequested();
                    bool isMade = block < Volatile.Read(ref made);
                    nint address = pieces[i].Parts[0].Address;
                    for (int at = 0, next; at < pieces[i].Length; at = next)
                    {
                        next = isMade || pieces[i].File.NeedsDisk
                            ? pieces[i].Length
                            : (int)Math.Min(pieces[i].Length, at + HugePage - ((address + at) % HugePage));
                        if (!isMade)
                        {
                            Prepare(pieces[i].Parts[0], at, next - at);
                        }
                        pieces[i].Read(at, new Span<byte>((byte*)address + at, next - at));
                    }
                    needsDisk |= pieces[i].File.NeedsDisk;
                }
                return needsDisk;
            }, cancellationToken, meanwhile: block =>
            {
                for (int i = blocks[block].Start; i < blocks[block].End; i++)
                {
                    Prepare(pieces[i].Parts[0], 0, pieces[i].Length);
                }
                Volatile.Write(ref made, block + 1);
            });
        }

        static void Prepare(Part part, int from, int count) => part.Buffer.Prepare(part.BufferOffset + from, count);
    }

    /// <summary>
    /// Reads all added storages through one host buffer into other buffers, and casts them there. The largest storage passes through the
    /// whole buffer, as the plan says. The others pass through the start of the buffer, because memory that is still in a cache is faster.
    /// No storage may have chunks.
    /// </summary>
    /// <param name="loaded">The host buffer, as long as the largest storage in the file.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public void ReadAndCopy(MemoryBuffer loaded, CancellationToken cancellationToken)
    {
        if (_targets.Count == 0)
        {
            return;
        }
        Target largest = _targets.MaxBy(target => target.Length)!;
        int slots = (int)Math.Clamp(loaded.Length / ShortestSlot, 1, Threads);
        IEnumerable<Target> others = _targets.Where(target => target != largest);
        long slotBytes = slots == 1 ? loaded.Length : loaded.Length / slots / Page * Page;
        ReadThrough(others, loaded, slots, Math.Min(slotBytes, PassedBytes), cancellationToken);
        ReadThrough([largest], loaded, int.MaxValue, PassedBytes, cancellationToken);
    }

    /// <summary>
    /// Reads all added storages through a ring into other buffers, and casts them there. Each thread has its own slot.
    /// </summary>
    public void ReadThrough(MemoryBuffer ring, CancellationToken cancellationToken) =>
        ReadThrough(_targets, ring, StagingRing.Slots, ring.Length / StagingRing.Slots, cancellationToken);

    // With one slot per thread, each thread has its own. With more slots than pieces, each piece has its own.
    private unsafe void ReadThrough(
        IEnumerable<Target> targets, MemoryBuffer buffer, int slots, long slotBytes, CancellationToken cancellationToken)
    {
        bool isReused = slots <= Threads;
        foreach (Piece[] pieces in Cut(targets, slotBytes, isReused && slotBytes >= ShortestSlot ? Cutting.WholePages : Cutting.Plain))
        {
            Share(pieces.Length, Math.Min(slots, Threads), (i, thread, stop) =>
            {
                long place = (isReused ? thread : i) * slotBytes;
                byte* memory = (byte*)buffer.Address + place;
                buffer.Prepare(place, pieces[i].Length);
                // Before the read: new pages are cleared, which would evict the piece from the cache.
                foreach (Part part in pieces[i].Parts.Where(part => part.Chunk is null))
                {
                    part.Buffer.Prepare(part.BufferOffset, (int)(part.Cast?.TargetBytes(part.Length) ?? part.Length));
                }
                pieces[i].Read(0, new Span<byte>(memory, pieces[i].Length));
                foreach (Part part in pieces[i].Parts)
                {
                    Pass(memory + part.PieceOffset, part, stop);
                }
                return pieces[i].File.NeedsDisk;
            }, cancellationToken);
        }
    }

    // Reads the blocks in order, with one thread per processor. After a block had to wait for a disk, all threads read; for data that is in
    // memory, more threads would only compete. One more thread may prepare the next blocks at the same time.
    private void Share(
        int blocks,
        int threads,
        Func<int, int, CancellationToken, bool> body,
        CancellationToken cancellationToken,
        Action<int>? meanwhile = null)
    {
        int count = Math.Clamp(blocks, 1, threads);
        int taken = 0;
        using var diskNeeded = new ManualResetEventSlim();
        bool hasMore = meanwhile is not null && blocks > count; // than threads take at the same time
        workers.Share(hasMore ? count + 1 : count, (thread, stop) =>
        {
            if (thread >= Environment.ProcessorCount || thread == count)
            {
                diskNeeded.Wait(stop);
            }
            if (thread == count)
            {
                // The blocks that no thread reads next.
                for (int block = 0; (block = Math.Max(block, Volatile.Read(ref taken) + count)) < blocks; block++)
                {
                    stop.ThrowIfCancellationRequested();
                    meanwhile!(block);
                }
                return;
            }
            for (int block; (block = Interlocked.Increment(ref taken) - 1) < blocks;)
            {
                stop.ThrowIfCancellationRequested();
                if (body(block, thread, stop))
                {
                    diskNeeded.Set();
                }
            }
            diskNeeded.Set();
        }, cancellationToken);
    }

    private static unsafe void Pass(byte* memory, Part part, CancellationToken stop)
    {
        if (part.Chunk is not StorageChunk chunk)
        {
            Write(memory, part.Length, part.BufferOffset);
            return;
        }
        if (part.HasGaps)
        {
            CloseGaps(memory, chunk, part.ChunkOffset, part.Length);
        }
        long end = part.ChunkOffset + part.Length;
        for (long at = part.ChunkOffset; at < end;)
        {
            int run = (int)Math.Min(chunk.IsOneRun ? part.Length : chunk.RunBytes - (at % chunk.RunBytes), end - at);
            long place = chunk.PlaceOf(at);
            Write(memory + (at - part.ChunkOffset), run, part.Cast?.TargetBytes(place) ?? place);
            at += run;
        }

        void Write(byte* from, int length, long to)
        {
            if (part.Cast is StorageCast cast)
            {
                CastCopy.FromHost(cast, from, length, part.Buffer, to, stop);
            }
            else
            {
                part.Buffer.Write(to, new ReadOnlySpan<byte>(from, length));
            }
        }
    }

    // Moves the runs of a chunk together, because a device takes one copy faster than many.
    private static unsafe void CloseGaps(byte* memory, StorageChunk chunk, long from, int length)
    {
        long first = chunk.InFile(from);
        for (long at = from; at < from + length;)
        {
            long run = Math.Min(chunk.RunBytes - (at % chunk.RunBytes), from + length - at);
            Buffer.MemoryCopy(memory + (chunk.InFile(at) - first), memory + (at - from), run, run);
            at += run;
        }
    }

    // Small storages among large ones are requested from the disk before it is their turn, so that no thread waits for a few bytes.
    private static void Expect(Piece[] pieces)
    {
        for (int i = 0, end; i < pieces.Length; i = end)
        {
            Piece first = pieces[i];
            long last = first.Offset + first.Length;
            for (end = i + 1;
                end < pieces.Length && IsSmall(pieces[end]) && pieces[end].File == first.File && pieces[end].Offset - last <= LargestGap;
                end++)
            {
                last = pieces[end].Offset + pieces[end].Length;
            }
            if (IsSmall(first) && end < pieces.Length)
            {
                first.File.Expect(first.Offset, last - first.Offset);
            }
        }

        static bool IsSmall(Piece piece) => piece.Apart is null && piece.Length < CheckpointFileReader.FarApart;
    }

    // One thread reads all that fills one block of memory.
    private static Block[] Blocks(Piece[] pieces, long blockBytes)
    {
        var blocks = new List<Block>();
        long current = -1;
        for (int i = 0; i < pieces.Length; i++)
        {
            Part part = pieces[i].Parts[0];
            long number = part.Address / blockBytes;
            if (number != current)
            {
                blocks.Add(new Block(i, i));
                current = number;
            }
            blocks[^1] = blocks[^1] with { End = i + 1 };
        }
        return [.. blocks];
    }

    // The positions at which pieces end.
    private enum Cutting
    {
        // A piece ends at the end of a block of memory. It has storages with the same distances in memory as in the file.
        InPlace,

        // A piece ends after the given number of bytes. It has storages that are close to each other in the file.
        Plain,

        // As for Plain, but the bytes are counted from the start of the page in which the piece begins.
        WholePages,
    }

    // Returns the pieces in the order of the files, in groups that need no more files than may be open at the same time.
    private IEnumerable<Piece[]> Cut(IEnumerable<Target> targets, long pieceBytes, Cutting cutting)
    {
        var group = new List<Piece>();
        int filesInGroup = 0;
        IEnumerable<IGrouping<int, Target>> byFile = targets
            .OrderBy(target => target.File)
            .ThenBy(target => target.Offset)
            .GroupBy(target => target.File);
        foreach (IGrouping<int, Target> file in byFile)
        {
            if (filesInGroup == files.BatchLimit)
            {
                yield return [.. group];
                group.Clear();
                filesInGroup = 0;
            }
            filesInGroup++;
            CutFile(files[view.Checkpoint.Files[file.Key]], file, pieceBytes, cutting, group);
        }
        yield return [.. group];
    }

    private static void CutFile(
        CheckpointFileReader file, IEnumerable<Target> targets, long pieceBytes, Cutting cutting, List<Piece> pieces)
    {
        var parts = ImmutableArray.CreateBuilder<Part>();
        bool inPlace = cutting == Cutting.InPlace;
        long start = 0;
        long end = 0;
        long limit = 0;
        foreach ((int _, long first, long total, MemoryBuffer buffer, StorageCast? cast, StorageChunk? chunk) in targets)
        {
            // Storages that are cast are split only between elements.
            int unit = cast?.From.ElementSize() ?? 1;
            if (chunk is { IsClose: true })
            {
                if (parts.Count > 0)
                {
                    Close();
                }
                CutClose(file, chunk, buffer, cast, pieceBytes, pieces);
                continue;
            }
            long begin = chunk?.Start ?? 0;
            for (long done = 0; done < total;)
            {
                long offset = first + done;
                long place = begin + done; // of a chunk in runs it has no meaning
                bool joins = parts.Count > 0 && chunk is not { IsOnePiece: false }
                    && (inPlace
                        ? LiesAsInFile(parts[^1], buffer.Address + (nint)place, offset - end, pieceBytes)
                        : offset - end <= LargestGap && offset <= limit - unit);
                if (parts.Count > 0 && !joins)
                {
                    Close();
                }
                if (parts.Count == 0)
                {
                    start = offset;
                    limit = offset + pieceBytes - (cutting == Cutting.WholePages ? offset % Page : 0);
                }
                long room =
                    inPlace
                        ? pieceBytes - ((buffer.Address + place) % pieceBytes)
                        : (limit - offset) / unit * unit;
                int length = (int)Math.Min(total - done, room);
                parts.Add(chunk is null or { IsOneRun: true }
                    ? new Part(buffer, cast?.TargetBytes(place) ?? place, (int)(offset - start), length, cast)
                    : new Part(buffer, 0, (int)(offset - start), length, cast, chunk, done));
                end = offset + length;
                if (chunk is { IsOnePiece: false })
                {
                    Close(chunk, done);
                }
                done += length;
            }
        }
        if (parts.Count > 0)
        {
            Close();
        }

        void Close(StorageChunk? apart = null, long chunkOffset = 0)
        {
            pieces.Add(new Piece(file, start, (int)(end - start), parts.ToImmutable(), apart, chunkOffset));
            parts.Clear();
        }
    }

    // A piece has as many runs as fit it, with the bytes between them in the file.
    private static void CutClose(
        CheckpointFileReader file, StorageChunk chunk, MemoryBuffer buffer, StorageCast? cast, long pieceBytes, List<Piece> pieces)
    {
        int unit = cast?.From.ElementSize() ?? 1;
        for (long done = 0, next; done < chunk.Length; done = next)
        {
            long start = chunk.InFile(done);
            next = done + ((chunk.FirstInFileFrom(start + pieceBytes) - done) / unit * unit);
            int length = (int)(chunk.InFile(next - 1) + 1 - start);
            pieces.Add(new Piece(file, start, length, [new Part(buffer, 0, 0, (int)(next - done), cast, chunk, done, HasGaps: true)]));
        }
    }

    // The bytes between two storages in the file may be read into the memory between them, if both storages are in one block.
    private static bool LiesAsInFile(Part before, nint address, long gap, long blockBytes)
    {
        long end = before.Address + before.Length;
        return gap == address - end && gap >= 0 && gap <= before.Buffer.PaddingBytes && (end - 1) / blockBytes == address / blockBytes;
    }
}
