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
    /// <exception cref="MemLoadException">ML7005 or ML7006: the model does not fit, and nothing was allocated. ML7001 or ML7002: other
    /// programs took the memory in the meantime.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static LoadedWeights Build(
        IWeightSource source, IDevice device, IProgress<long>? bytesFilled = null, CancellationToken cancellationToken = default)
    {
        ImmutableArray<long> lengths = source.StorageLengths;
        device.Start();
        RequireMemory(lengths, device);
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

    // A system that overcommits memory ends processes when it runs out, such as the shell.
    private static void RequireMemory(ImmutableArray<long> lengths, IDevice device)
    {
        PlanForecast forecast;
        using (CachingAllocator? allocator = device.NewForecastAllocator())
        {
            long host = device.IsHost ? WeightsDigest.Saturated(lengths) : 0;
            Allocate(allocator);
            DeviceMemory onDevice = allocator?.Memory ?? default;
            forecast = new PlanForecast(host, 0, host, checked(host + onDevice.Reserved), host, onDevice);
        }
        if (MemoryBudget.For(device).Check(forecast, Allocate) is Shortfall lack)
        {
            throw Refusals.Of("the new model", lack, forecast, device,
                remedy: $"Free memory, or choose smaller dimensions, another type ({Setting.DType}) or another device ({Setting.Device}).");
        }

        void Allocate(CachingAllocator? allocator)
        {
            foreach (long length in lengths)
            {
                _ = allocator?.Allocate(length);
            }
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
