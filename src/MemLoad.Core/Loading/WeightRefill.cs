namespace MemLoad;

/// <summary>
/// Loads a checkpoint into the memory of weights with the same layout, as <c>load_state_dict</c> does. It needs no second copy. It touches
/// no fresh memory, which is most of the time of a load.
/// </summary>
internal static class WeightRefill
{
    /// <summary>
    /// Overwrites weights, which are on the given device. If the load fails they are neither the old nor the new weights, so they are
    /// disposed.
    /// </summary>
    /// <exception cref="MemLoadException">ML6029: the layouts differ, and no memory was touched; ML1xxx: a file changed or cannot be
    /// read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The weights are disposed.</exception>
    public static void Run(LoadedWeights weights, LoadView view, IDevice device, CancellationToken cancellationToken = default)
    {
        MemoryBuffer[] targets = Match(weights, view);
        int held = 0;
        try
        {
            for (; held < targets.Length; held++)
            {
                targets[held].AddReference();
            }
            using var files = new CheckpointFileSet();
            using var workers = new Workers();
            var inPlace = new ReadBatch(view, files, workers);
            var throughRing = new ReadBatch(view, files, workers);
            for (int storage = 0; storage < targets.Length; storage++)
            {
                bool casts = view.CastOf(storage) is not null;
                bool direct = device.IsHost && !casts && !view.Checkpoint.Storages[storage].IsInRuns;
                (direct ? inPlace : throughRing).Add(storage, targets[storage], casts);
            }
            inPlace.ReadInPlace(cancellationToken);
            if (HostBytes(view, device) is long ringBytes and > 0)
            {
                using var host = new HostMemory();
                using MemoryBuffer ring = device.AllocateStaging(host, ringBytes);
                throughRing.ReadThrough(ring, cancellationToken);
            }
            files.RequireUnchanged();
            weights.RefreshCopies();
        }
        catch
        {
            weights.Dispose();
            throw;
        }
        finally
        {
            foreach (MemoryBuffer target in targets.AsSpan(0, held))
            {
                target.Release();
            }
        }
    }

    /// <summary>Returns the host memory that <see cref="Run"/> needs, in bytes: the length of the staging ring, or 0.</summary>
    public static long HostBytes(LoadView view, IDevice device)
    {
        long staged = Enumerable
            .Range(0, view.StorageLengths.Length)
            .Where(storage => !device.IsHost || view.CastOf(storage) is not null || view.Checkpoint.Storages[storage].IsInRuns)
            .Sum(storage => view.Checkpoint.Storages[storage].Length);
        return staged == 0 ? 0 : StagingRing.BytesFor(staged, StagingRing.DefaultBytes);
    }

    /// <summary>Returns whether weights have the tensors and storages of a view, in writable memory.</summary>
    public static bool Fits(LoadedWeights weights, LoadView view)
    {
        try
        {
            return Match(weights, view).Length > 0;
        }
        catch (MemLoadException e) when (e.Rule == Rules.LayoutDiffers)
        {
            return false;
        }
    }

    // Returns the memory of each storage of the checkpoint. Each must match a storage of the weights with the same tensors and length.
    private static MemoryBuffer[] Match(LoadedWeights weights, LoadView view)
    {
        if (view.Tensors.Length != weights.Tensors.Length || view.StorageLengths.Length != weights.StorageLengths.Length)
        {
            throw Differs($"it has {view.Tensors.Length} tensors in {view.StorageLengths.Length} storages, "
                + $"the weights {weights.Tensors.Length} in {weights.StorageLengths.Length}");
        }
        var held = weights.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        int[] storages = new int[view.StorageLengths.Length];
        Array.Fill(storages, -1);
        foreach (TensorEntry tensor in view.Tensors)
        {
            if (!held.TryGetValue(tensor.Name, out TensorEntry? own))
            {
                throw Differs($"the weights have no tensor {Printable.Quote(tensor.Name)}");
            }
            ref int storage = ref storages[tensor.Storage];
            bool same = own.DType == tensor.DType && own.ElementOffset == tensor.ElementOffset && own.LazyView == tensor.LazyView
                && own.Shape.AsSpan().SequenceEqual(tensor.Shape.AsSpan()) && own.Strides.AsSpan().SequenceEqual(tensor.Strides.AsSpan())
                && (storage < 0 || storage == own.Storage);
            if (!same || view.StorageLengths[tensor.Storage] != weights.StorageLengths[own.Storage])
            {
                throw Differs($"tensor {Printable.Quote(tensor.Name)} has another dtype, shape or storage than in the weights");
            }
            storage = own.Storage;
        }
        if (storages.Distinct().Count() != storages.Length)
        {
            throw Differs("tensors that share a storage in the weights do not share one in the checkpoint");
        }
        return
        [
            .. storages.Select(storage =>
                weights.MemoryOf(storage).Memory is { } memory and not MappedFile
                    ? memory
                    : throw Differs("the weights are in a mapped file, which is never written")),
        ];

        MemLoadException Differs(string finding) => Rules.LayoutDiffers.Broken(finding, view.Checkpoint.Path);
    }
}
