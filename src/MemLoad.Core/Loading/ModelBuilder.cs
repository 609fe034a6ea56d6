namespace MemLoad;

/// <summary>
/// Builds a model on a device: allocates its tensors and fills them from a source, as a framework initialises a new model.
/// </summary>
internal static class ModelBuilder
{
    /// <summary>
    /// Allocates and fills every storage of a source, such as a <see cref="GptInitializer"/>, with all processors. The device must outlive
    /// the weights. The progress is the number of bytes filled so far, from any thread.
    /// </summary>
    /// <exception cref="MemLoadException">ML7005: the weights do not fit the host memory; ML7001 or ML7002: there is not enough
    /// memory.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static LoadedWeights Build(
        IWeightSource source, IDevice device, IProgress<long>? bytesFilled = null, CancellationToken cancellationToken = default)
    {
        ImmutableArray<long> lengths = source.StorageLengths;
        RequireHostMemory(lengths, device);
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

    // A system that has no memory left ends programs, and not only this one. A card refuses what does not fit.
    private static void RequireHostMemory(ImmutableArray<long> lengths, IDevice device)
    {
        if (!device.IsHost && !device.ReservesSharedMemory)
        {
            return;
        }
        long bytes = WeightsDigest.Saturated(lengths);
        MemoryLimit? limit = Headroom.Now().Limits
            .FirstOrDefault(limit => device.IsHost || limit.Counts == Counted.AnonymousAndShared);
        if (limit is not null && bytes > limit.BudgetBytes)
        {
            throw Rules.HostLimitExceeded.Broken(
                $"the model needs {Printable.Bytes(bytes)} of host memory, {Printable.Bytes(bytes - limit.BudgetBytes)} more than the "
                    + $"{Printable.Bytes(limit.BudgetBytes)} it may use: {limit.Why}",
                remedy: $"Free memory, or choose smaller dimensions, a smaller type ({Setting.DType}) or another device "
                    + $"({Setting.Device}).");
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
