namespace MemLoad;

/// <summary>Streams the elements of one tensor to a sink. Stops when the walk is canceled.</summary>
internal delegate void TensorStream(TensorEntry tensor, ElementSink sink);

/// <summary>Reads all tensors of a source, several at a time, for digests and deep tests.</summary>
internal static class TensorWalk
{
    /// <summary>
    /// Visits every tensor once: with its index and a function that streams its elements. Several threads call the visitor, each tensor on
    /// one thread, and report the bytes read. Cancellation stops the method within one MiB.
    /// </summary>
    public static void Run(
        IWeightSource source, Action<int, TensorStream> visit, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        // The largest tensors are first, so that no core works alone on a large tensor at the end.
        int[] order = [.. Enumerable.Range(0, source.Tensors.Length).OrderByDescending(i => source.Tensors[i].Bytes)];
        long read = 0;
        Workers.RunEach(order.Length, Environment.ProcessorCount, (i, stop) =>
        {
            visit(order[i], Stream);

            void Stream(TensorEntry tensor, ElementSink sink)
            {
                if (source is Checkpoint checkpoint)
                {
                    checkpoint.StreamElements(tensor, Piece, stop);
                }
                else
                {
                    source.StreamElements(tensor, Piece);
                }

                void Piece(ReadOnlySpan<byte> elements)
                {
                    stop.ThrowIfCancellationRequested();
                    sink(elements);
                    bytesRead?.Report(Interlocked.Add(ref read, elements.Length));
                }
            }
        }, cancellationToken);
    }
}
