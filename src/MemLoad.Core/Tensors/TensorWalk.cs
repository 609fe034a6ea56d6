namespace MemLoad;

/// <summary>Streams one tensor's elements to a sink; stops when the walk is stopped.</summary>
internal delegate void TensorStream(TensorEntry tensor, ElementSink sink);

/// <summary>Reads all tensors of a source, several at a time: what digests and deep tests have in common.</summary>
internal static class TensorWalk
{
    /// <summary>Visits every tensor once.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="visit">Given the tensor's index and what streams elements; called from several threads, for each tensor by one.</param>
    /// <param name="bytesRead">Hears the bytes streamed so far, from several threads.</param>
    /// <param name="cancellationToken">Stops within a MiB.</param>
    public static void Run(IWeightSource source, Action<int, TensorStream> visit, IProgress<long>? bytesRead, CancellationToken cancellationToken)
    {
        // Largest first, so that no core is left alone with a long one at the end.
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
