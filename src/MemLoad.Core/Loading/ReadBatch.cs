using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A run of Read steps done together: several threads, large pieces, each byte read once.</summary>
internal sealed class ReadBatch(Checkpoint checkpoint, CheckpointFileSet files, Workers workers)
{
    private const long PieceBytes = 2 << 20;

    // Small storages that lie close together are read as one piece, the headers between them included.
    private const long LargestGap = 4096;

    // Disks answer several requests at once sooner than one after the other; beyond this nothing is gained.
    private static readonly int Threads = Math.Clamp(Environment.ProcessorCount, 4, 16);

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
    public unsafe void ReadInPlace(CancellationToken cancellationToken)
    {
        foreach (Piece[] pieces in Cut(PieceBytes, coalesce: false))
        {
            int next = -1;
            workers.Share(Math.Clamp(pieces.Length, 1, Threads), (_, stop) =>
            {
                for (int i = Interlocked.Increment(ref next); i < pieces.Length; i = Interlocked.Increment(ref next))
                {
                    stop.ThrowIfCancellationRequested();
                    Part part = pieces[i].Parts[0];
                    pieces[i].File.ReadExactly(pieces[i].Offset, new Span<byte>((byte*)part.Buffer.Address + part.BufferOffset, part.Length));
                }
            }, cancellationToken);
        }
    }

    /// <summary>Reads everything added through a ring into other buffers, cast on the way out. Chunk i always passes through slot i mod slots.</summary>
    public unsafe void ReadThrough(MemoryBuffer ring, CancellationToken cancellationToken)
    {
        long slotBytes = ring.Length / StagingRing.Slots;
        foreach (Piece[] pieces in Cut(slotBytes, coalesce: true))
        {
            workers.Share(Math.Clamp(pieces.Length, 1, StagingRing.Slots), (slot, stop) =>
            {
                byte* memory = (byte*)ring.Address + (slot * slotBytes);
                for (int i = slot; i < pieces.Length; i += StagingRing.Slots)
                {
                    stop.ThrowIfCancellationRequested();
                    pieces[i].File.ReadExactly(pieces[i].Offset, new Span<byte>(memory, pieces[i].Length));
                    foreach (Part part in pieces[i].Parts)
                    {
                        if (part.Cast is StorageCast cast)
                        {
                            CastCopy.FromHost(cast, memory + part.PieceOffset, part.Length, part.Buffer, part.BufferOffset, stop);
                        }
                        else
                        {
                            part.Buffer.Write(part.BufferOffset, new ReadOnlySpan<byte>(memory + part.PieceOffset, part.Length));
                        }
                    }
                }
            }, cancellationToken);
        }
    }

    // Pieces in file order, in groups that need no more files than may be open at once.
    private IEnumerable<Piece[]> Cut(long pieceBytes, bool coalesce)
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
            CutFile(files[file.Key], file, pieceBytes, coalesce, group);
        }
        yield return [.. group];
    }

    private void CutFile(CheckpointFileReader file, IEnumerable<Target> targets, long pieceBytes, bool coalesce, List<Piece> pieces)
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
                bool joins = parts.Count > 0 && coalesce && offset - end <= LargestGap && offset - start <= pieceBytes - unit;
                if (parts.Count > 0 && !joins)
                {
                    Close();
                }
                if (parts.Count == 0)
                {
                    start = offset;
                }
                int length = (int)Math.Min(extent.Length - done, (pieceBytes - (offset - start)) / unit * unit);
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
