using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A run of Read steps done together: several threads, large pieces, each byte read once.</summary>
internal sealed class ReadBatch(Checkpoint checkpoint, CheckpointFileSet files, Workers workers)
{
    // Whole huge pages: one that two threads touch first at the same time is cleared twice.
    private const long BlockBytes = 4 << 20;

    // One storage alone is shared out in the smallest blocks, so that no thread waits long for the other at its end.
    private const long PassedBlockBytes = 2 << 20;

    // What is copied on at once is to be found in the processor's second cache still.
    private const long PassedBytes = 1 << 20;

    // Small storages that lie close together are read as one piece, the headers between them included.
    private const long LargestGap = 4096;

    // Disks answer several requests at once sooner than one after the other; beyond this nothing is gained.
    private static readonly int Threads = Math.Clamp(Environment.ProcessorCount, 4, 16);

    // Copying keeps a processor busy by itself.
    private static readonly int Copiers = Math.Clamp(Environment.ProcessorCount, 2, 16);

    private readonly record struct Target(int Storage, MemoryBuffer Buffer, StorageCast? Cast);

    private readonly record struct Piece(CheckpointFileReader File, long Offset, int Length, ImmutableArray<Part> Parts);

    // One stretch of a storage inside a piece.
    private readonly record struct Part(MemoryBuffer Buffer, long BufferOffset, int PieceOffset, int Length, StorageCast? Cast);

    private readonly List<Target> _targets = [];

    public void Add(int storage, MemoryBuffer buffer, bool casts)
    {
        if (buffer.Length > 0)
        {
            _targets.Add(new Target(storage, buffer, casts ? checkpoint.Target.CastOf(storage) : null));
        }
    }

    /// <summary>Reads everything added straight into its (host) buffers.</summary>
    /// <param name="onward">Where to copy each piece as soon as it is read, if anywhere; then only one buffer may have been added.</param>
    /// <param name="cast">How it is cast on the way there, if at all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public unsafe void ReadInPlace(MemoryBuffer? onward, StorageCast? cast, CancellationToken cancellationToken)
    {
        foreach (Piece[] pieces in Cut(onward is null ? BlockBytes : PassedBytes, inPlace: true, onward))
        {
            Expect(pieces);
            int[] blocks = Blocks(pieces, onward);
            Share(blocks.Length, onward is null ? Threads : Copiers, (block, _, stop) =>
            {
                int end = block + 1 < blocks.Length ? blocks[block + 1] : pieces.Length;
                bool waits = false;
                for (int i = blocks[block]; i < end; i++)
                {
                    stop.ThrowIfCancellationRequested();
                    Part part = pieces[i].Parts[0];
                    byte* memory = (byte*)part.Buffer.Address + part.BufferOffset;
                    part.Buffer.Prepare(part.BufferOffset, part.Length);
                    pieces[i].File.ReadBulk(pieces[i].Offset, new Span<byte>(memory, part.Length));
                    waits |= pieces[i].File.Waits;
                    if (onward is not null)
                    {
                        Pass(memory, part.Length, onward, cast?.TargetBytes(part.BufferOffset) ?? part.BufferOffset, cast, stop);
                    }
                }
                return waits;
            }, cancellationToken);
        }
    }

    /// <summary>Reads everything added through a ring into other buffers, cast on the way out. Each thread has a slot of its own.</summary>
    public unsafe void ReadThrough(MemoryBuffer ring, CancellationToken cancellationToken)
    {
        long slotBytes = ring.Length / StagingRing.Slots;
        foreach (Piece[] pieces in Cut(slotBytes, inPlace: false, onward: null))
        {
            Share(pieces.Length, StagingRing.Slots, (i, slot, stop) =>
            {
                byte* memory = (byte*)ring.Address + (slot * slotBytes);
                pieces[i].File.ReadBulk(pieces[i].Offset, new Span<byte>(memory, pieces[i].Length));
                foreach (Part part in pieces[i].Parts)
                {
                    Pass(memory + part.PieceOffset, part.Length, part.Buffer, part.BufferOffset, part.Cast, stop);
                }
                return pieces[i].File.Waits;
            }, cancellationToken);
        }
    }

    // Items one after the other, by as many threads as there are processors; by all once one item had to wait for a disk. What is in memory already more
    // threads would only fight over.
    private void Share(int items, int threads, Func<int, int, CancellationToken, bool> body, CancellationToken cancellationToken)
    {
        int next = -1;
        using var diskWaits = new ManualResetEventSlim();
        workers.Share(Math.Clamp(items, 1, threads), (thread, stop) =>
        {
            if (thread >= Environment.ProcessorCount)
            {
                diskWaits.Wait(stop);
            }
            for (int item = Interlocked.Increment(ref next); item < items; item = Interlocked.Increment(ref next))
            {
                stop.ThrowIfCancellationRequested();
                if (body(item, thread, stop))
                {
                    diskWaits.Set();
                }
            }
            diskWaits.Set();
        }, cancellationToken);
    }

    private static unsafe void Pass(byte* memory, int length, MemoryBuffer target, long offset, StorageCast? cast, CancellationToken stop)
    {
        if (cast is StorageCast to)
        {
            CastCopy.FromHost(to, memory, length, target, offset, stop);
        }
        else
        {
            target.Write(offset, new ReadOnlySpan<byte>(memory, length));
        }
    }

    // Small storages among large ones are on their way already when their turn comes: no thread waits for a disk because of a few bytes.
    private static void Expect(Piece[] pieces)
    {
        for (int i = 0, end; i < pieces.Length; i = end)
        {
            Piece first = pieces[i];
            long last = first.Offset + first.Length;
            for (end = i + 1; end < pieces.Length && IsSmall(pieces[end]) && pieces[end].File == first.File && pieces[end].Offset - last <= LargestGap; end++)
            {
                last = pieces[end].Offset + pieces[end].Length;
            }
            if (IsSmall(first) && end < pieces.Length)
            {
                first.File.Expect(first.Offset, last - first.Offset);
            }
        }

        static bool IsSmall(Piece piece) => piece.Length < CheckpointFileReader.FarApart;
    }

    // Where in the list the pieces begin that fill another block of memory: what fills one block is one thread's.
    private static int[] Blocks(Piece[] pieces, MemoryBuffer? onward)
    {
        var starts = new List<int>();
        nint current = -1;
        for (int i = 0; i < pieces.Length; i++)
        {
            Part part = pieces[i].Parts[0];
            nint block = ((onward ?? part.Buffer).Address + (nint)part.BufferOffset) / (nint)(onward is null ? BlockBytes : PassedBlockBytes);
            if (block != current)
            {
                starts.Add(i);
                current = block;
            }
        }
        return [.. starts];
    }

    // Pieces in file order, in groups that need no more files than may be open at once.
    private IEnumerable<Piece[]> Cut(long pieceBytes, bool inPlace, MemoryBuffer? onward)
    {
        var group = new List<Piece>();
        int filesInGroup = 0;
        IEnumerable<IGrouping<int, Target>> byFile = _targets.OrderBy(target => checkpoint.Storages[target.Storage].File)
            .ThenBy(target => checkpoint.Storages[target.Storage].Offset).GroupBy(target => checkpoint.Storages[target.Storage].File);
        foreach (IGrouping<int, Target> file in byFile)
        {
            if (filesInGroup == CheckpointFileSet.BatchLimit)
            {
                yield return [.. group];
                group.Clear();
                filesInGroup = 0;
            }
            filesInGroup++;
            CutFile(files[file.Key], file, pieceBytes, inPlace, onward, group);
        }
        yield return [.. group];
    }

    private void CutFile(CheckpointFileReader file, IEnumerable<Target> targets, long pieceBytes, bool inPlace, MemoryBuffer? onward, List<Piece> pieces)
    {
        var parts = ImmutableArray.CreateBuilder<Part>();
        long start = 0;
        long end = 0;
        foreach ((int storage, MemoryBuffer buffer, StorageCast? cast) in targets)
        {
            Extent extent = checkpoint.Storages[storage];
            // What is cast is cut between elements only.
            int unit = cast?.From.ElementSize() ?? 1;
            for (long done = 0; done < extent.Length;)
            {
                long offset = extent.Offset + done;
                bool joins = parts.Count > 0 && !inPlace && offset - end <= LargestGap && offset - start <= pieceBytes - unit;
                if (parts.Count > 0 && !joins)
                {
                    Close();
                }
                if (parts.Count == 0)
                {
                    start = offset;
                }
                long room = inPlace ? pieceBytes - (((onward ?? buffer).Address + done) % pieceBytes) : (pieceBytes - (offset - start)) / unit * unit;
                int length = (int)Math.Min(extent.Length - done, room);
                parts.Add(new Part(buffer, cast?.TargetBytes(done) ?? done, (int)(offset - start), length, cast));
                end = offset + length;
                done += length;
            }
        }
        if (parts.Count > 0)
        {
            Close();
        }

        void Close()
        {
            pieces.Add(new Piece(file, start, (int)(end - start), parts.ToImmutable()));
            parts.Clear();
        }
    }
}
