using System.Collections.Immutable;

namespace MemLoad;

/// <summary>Builds a model on a device: allocates its tensors and fills them from a source, the way a framework initialises a fresh model.</summary>
internal static class ModelBuilder
{
    /// <summary>Allocates and fills every storage of a source, on all cores.</summary>
    /// <param name="source">Where the values come from, such as a <see cref="GptInitializer"/>.</param>
    /// <param name="device">Where to. It must outlive the weights.</param>
    /// <param name="bytesFilled">Hears the bytes filled so far, from any thread.</param>
    /// <param name="cancellationToken">Stops the work; nothing stays allocated.</param>
    /// <exception cref="MemLoadException">ML7001 or ML7002: the memory is not there.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static LoadedWeights Build(
        IWeightSource source, IDevice device, IProgress<long>? bytesFilled = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(device);
        ImmutableArray<long> lengths = source.StorageLengths;
        var buffers = new MemoryBuffer?[lengths.Length];
        try
        {
            for (int i = 0; i < buffers.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                buffers[i] = device.Allocate(lengths[i]);
            }
            Fill(source, buffers, bytesFilled, cancellationToken);
            return LoadedWeights.Of(source.Tensors, lengths, buffers, [.. Enumerable.Range(0, buffers.Length).Select(i => new Placement(i, 0))], device);
        }
        catch
        {
            foreach (MemoryBuffer? buffer in buffers)
            {
                buffer?.Dispose();
            }
            throw;
        }
    }

    private static void Fill(IWeightSource source, MemoryBuffer?[] buffers, IProgress<long>? bytesFilled, CancellationToken cancellationToken)
    {
        int[] order = [.. Enumerable.Range(0, buffers.Length).OrderByDescending(i => buffers[i]!.Length)];
        long filled = 0;
        Workers.RunEach(order.Length, Environment.ProcessorCount, (i, stop) =>
        {
            MemoryBuffer buffer = buffers[order[i]]!;
            long done = 0;
            source.StreamStorage(order[i], piece =>
            {
                stop.ThrowIfCancellationRequested();
                buffer.Write(done, piece);
                done += piece.Length;
                bytesFilled?.Report(Interlocked.Add(ref filled, piece.Length));
            });
        }, cancellationToken);
    }
}
