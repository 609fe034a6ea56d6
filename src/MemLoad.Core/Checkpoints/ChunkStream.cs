using System.Buffers;

namespace MemLoad;

/// <summary>
/// Streams the bytes of a storage in several chunks, in the order of the storage. The bytes of a chunk that belong to one piece of the
/// storage are consecutive in the chunk. Each piece therefore needs one read per chunk, or one read per row of a slice of columns.
/// </summary>
internal static class ChunkStream
{
    private const int PieceBytes = 1 << 20;

    /// <summary>A chunk that has bytes for the current piece or a later one.</summary>
    private sealed class Cursor(StorageChunk chunk)
    {
        public StorageChunk Chunk => chunk;

        public long Done { get; set; }
    }

    /// <summary>Streams a tensor that is contiguous in the storage, at most 1 MiB at a time.</summary>
    /// <exception cref="MemLoadException">ML1001 to ML1007.</exception>
    public static void Run(Checkpoint checkpoint, Extent storage, TensorEntry tensor, ElementSink sink, CancellationToken cancellationToken)
    {
        if (!tensor.IsContiguous)
        {
            throw new InvalidOperationException("A tensor in several chunks is contiguous.");
        }
        using var files = new CheckpointFileSet();
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        byte[] read = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            var open = new List<Cursor>();
            int next = 0; // the first chunk that begins after the piece
            long end = tensor.ByteOffset + tensor.Bytes;
            for (long from = tensor.ByteOffset; from < end; from += PieceBytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long to = Math.Min(from + PieceBytes, end);
                for (; next < storage.Chunks.Length && storage.Chunks[next].Start < to; next++)
                {
                    open.Add(new Cursor(storage.Chunks[next]) { Done = storage.Chunks[next].FirstFrom(from) });
                }
                foreach (Cursor cursor in open)
                {
                    StorageChunk chunk = cursor.Chunk;
                    long until = chunk.FirstFrom(to);
                    var bytes = new Span<byte>(read, 0, (int)(until - cursor.Done));
                    if (bytes.IsEmpty)
                    {
                        continue;
                    }
                    chunk.Read(files[checkpoint.Files[chunk.File]], cursor.Done, bytes);
                    for (long at = cursor.Done; at < until;)
                    {
                        int run = (int)Math.Min(chunk.RunBytes - (at % chunk.RunBytes), until - at);
                        bytes.Slice((int)(at - cursor.Done), run).CopyTo(piece.AsSpan((int)(chunk.PlaceOf(at) - from)));
                        at += run;
                    }
                    cursor.Done = until;
                }
                open.RemoveAll(cursor => cursor.Done == cursor.Chunk.Length);
                sink(piece.AsSpan(0, (int)(to - from)));
            }
            files.RequireUnchanged();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(read);
            ArrayPool<byte>.Shared.Return(piece);
        }
    }
}
