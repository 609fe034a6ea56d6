using System.Collections.Immutable;

namespace MemLoad;

/// <summary>
/// Builds a model on a device: allocates its tensors and fills them from a source, as a framework initialises a new model.
/// </summary>
internal static class ModelBuilder
{
    /// <summary>Allocates and fills every storage of a source, with all processors.</summary>
    /// <param name="source">The source of the values, such as a <see cref="GptInitializer"/>.</param>
    /// <param name="device">The device to build on. It must outlive the weights.</param>
    /// <param name="bytesFilled">Called with the bytes filled so far, from any thread.</param>
    /// <param name="cancellationToken">Cancels the work. Nothing stays allocated.</param>
    /// <exception cref="MemLoadException">ML7001 or ML7002: there is not enough memory.</exception>
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
            return LoadedWeights.Of(
                source.Tensors, lengths, buffers, [.. Enumerable.Range(0, buffers.Length).Select(i => new Placement(i, 0))], device);
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

    private static void Fill(
        IWeightSource source, MemoryBuffer?[] buffers, IProgress<long>? bytesFilled, CancellationToken cancellationToken)
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
