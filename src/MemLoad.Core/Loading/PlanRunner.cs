namespace MemLoad;

/// <summary>The second reader of a plan: executes the same steps that the forecast added up.</summary>
internal static class PlanRunner
{
    private const long CopyBytes = 2 << 20;

    private static readonly int Copiers = Math.Min(Environment.ProcessorCount, 16);

    /// <summary>Executes a plan.</summary>
    /// <param name="plan">The plan, written for a device of this kind.</param>
    /// <param name="device">The device. It must outlive the weights.</param>
    /// <param name="beforeStep">Called before each step with its index in the plan; for a batch, with the index of its first step. The
    /// calls are frequent and come on the calling thread, so it must be fast.</param>
    /// <param name="guard">What guards against a mapped file that becomes shorter.</param>
    /// <param name="cancellationToken">Cancels the load. Nothing stays allocated.</param>
    /// <returns>The weights, which own their memory.</returns>
    /// <exception cref="MemLoadException">A file changed or cannot be read (ML1xxx), or memory ran out (ML7001, ML7002).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static LoadedWeights Run(LoadPlan plan, IDevice device, Action<int>? beforeStep = null,
        MapGuard guard = MapGuard.WherePossible, CancellationToken cancellationToken = default)
    {
        using var files = new CheckpointFileSet();
        return Run(plan, device, files, beforeStep, guard, cancellationToken);
    }

    /// <summary>Executes a plan with open files, which the caller owns. A file that is mapped is taken out of them.</summary>
    /// <inheritdoc cref="Run(LoadPlan, IDevice, Action{int}?, MapGuard, CancellationToken)"/>
    internal static LoadedWeights Run(LoadPlan plan, IDevice device, CheckpointFileSet files, Action<int>? beforeStep, MapGuard guard,
        CancellationToken cancellationToken)
    {
        var buffers = new MemoryBuffer?[plan.Buffers.Length];
        try
        {
            Execute(plan, device, files, buffers, beforeStep, guard, cancellationToken);
            return LoadedWeights.Of(plan.View.Tensors, plan.View.StorageLengths, buffers, plan.Placements, device);
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

    private static void Execute(LoadPlan plan, IDevice device, CheckpointFileSet files, MemoryBuffer?[] buffers,
        Action<int>? beforeStep, MapGuard guard, CancellationToken cancellationToken)
    {
        Checkpoint checkpoint = plan.Checkpoint;
        using var host = new HostMemory();
        using var workers = new Workers();
        var initialiser = new StorageInitialiser(plan.View);
        for (int first = 0; first < plan.Steps.Length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadOnlySpan<PlanStep> batch = plan.BatchAt(first);
            PlanStep step = batch[0];
            beforeStep?.Invoke(first);
            PlanBuffer planned = plan.Buffers[step.Buffer];
            switch (step.Kind)
            {
                case StepKind.Allocate when planned.Pool == MemoryPool.Device:
                    buffers[step.Buffer] = device.Allocate(planned.Bytes);
                    break;
                case StepKind.Allocate when step.Storage < 0: // a buffer without a storage is the ring
                    buffers[step.Buffer] = device.AllocateStaging(host, planned.Bytes);
                    break;
                case StepKind.Allocate:
                    Allocate(plan, batch, host, buffers);
                    break;
                case StepKind.Initialise:
                    initialiser.Fill(step.Storage, buffers[step.Buffer]!, workers, cancellationToken);
                    break;
                case StepKind.Map:
                    buffers[step.Buffer] = MappedFile.Open(files.Take(checkpoint.Files[planned.File]), device.MapsWritable, guard);
                    break;
                case StepKind.Read:
                    Read(batch, buffers, new ReadBatch(plan.View, files, workers), cancellationToken);
                    break;
                case StepKind.Copy:
                    Copy(plan, step, buffers[step.Source]!, buffers[step.Buffer]!, device, workers, cancellationToken);
                    break;
                default:
                    buffers[step.Buffer]!.RequireIntact();
                    buffers[step.Buffer]!.Dispose();
                    buffers[step.Buffer] = null;
                    break;
            }
            first += batch.Length;
        }
        // Bytes of a file that was written to during the load belong to no version of it.
        files.RequireUnchanged();
        foreach (MemoryBuffer? buffer in buffers)
        {
            buffer?.RequireIntact();
        }
    }

    private static void Read(ReadOnlySpan<PlanStep> steps, MemoryBuffer?[] buffers, ReadBatch batch, CancellationToken cancellationToken)
    {
        MemoryBuffer target = buffers[steps[0].Buffer]!;
        bool copiedOn = steps.Length > 1 && steps[1].Kind == StepKind.Copy;
        foreach (PlanStep step in steps)
        {
            if (!copiedOn || step.Kind == StepKind.Copy)
            {
                batch.Add(step.Storage, buffers[step.Buffer]!, step.Casts);
            }
        }
        if (copiedOn)
        {
            batch.ReadAndCopy(target, cancellationToken);
        }
        else if (steps[0].Source < 0)
        {
            batch.ReadInPlace(cancellationToken);
        }
        else
        {
            batch.ReadThrough(buffers[steps[0].Source]!, cancellationToken);
        }
    }

    private static void Allocate(LoadPlan plan, ReadOnlySpan<PlanStep> steps, HostMemory host, MemoryBuffer?[] buffers)
    {
        long[] lengths = new long[steps.Length];
        var storages = new Extent[steps.Length];
        for (int i = 0; i < steps.Length; i++)
        {
            lengths[i] = plan.Buffers[steps[i].Buffer].Bytes;
            storages[i] = plan.Checkpoint.Storages[steps[i].Storage];
        }
        MemoryBuffer[] blocks = host.AllocateTogether(HostLayout.LikeFiles(lengths, storages));
        for (int i = 0; i < steps.Length; i++)
        {
            buffers[steps[i].Buffer] = blocks[i];
        }
    }

    private static unsafe void Copy(LoadPlan plan, PlanStep step, MemoryBuffer source, MemoryBuffer target, IDevice device,
        Workers workers, CancellationToken cancellationToken)
    {
        Extent storage = plan.Checkpoint.Storages[step.Storage];
        MemoryPool pool = plan.Buffers[step.Source].Pool;
        if (pool == MemoryPool.MappedFile && storage.IsInChunks)
        {
            throw new InvalidOperationException("A storage in chunks is not mapped.");
        }
        byte* from = (byte*)source.Address + (pool == MemoryPool.MappedFile ? storage.Offset : 0);
        if (step.Casts && plan.View.CastOf(step.Storage) is StorageCast cast)
        {
            if (pool == MemoryPool.Device)
            {
                CastCopy.Between(cast, source, storage.Length, target, cancellationToken);
            }
            else
            {
                CastCopy.FromHost(cast, from, storage.Length, target, 0, cancellationToken);
            }
            return;
        }
        // A target has the length of its contents; the source, if it is a mapped file, has the length of the whole file.
        if (pool == MemoryPool.Device)
        {
            device.Copy(source, target, workers, cancellationToken);
            return;
        }
        // Most of the time of a copy is the first touch of fresh memory, so threads share the work.
        workers.ShareEach((target.Length + CopyBytes - 1) / CopyBytes, Copiers, (piece, _) =>
        {
            long at = piece * CopyBytes;
            Write(at, new ReadOnlySpan<byte>(from + at, (int)Math.Min(CopyBytes, target.Length - at)));
        }, cancellationToken);

        void Write(long at, ReadOnlySpan<byte> piece)
        {
            try
            {
                target.Write(at, piece);
            }
            catch (MemLoadException e) when (e.Rule == Rules.ReadFailed && e.Path is null)
            {
                source.RequireIntact(); // a file that was truncated also lacks this page
                throw Rules.ReadFailed.Broken(e.Finding, plan.Checkpoint.Files[storage.File].Path, storage.Offset + at, e.InnerException);
            }
        }
    }
}
