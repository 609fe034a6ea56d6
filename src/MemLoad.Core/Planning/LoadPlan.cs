namespace MemLoad;

/// <summary>
/// A load as data: ordered steps over buffers of named pools. The forecast adds the steps up, and the runner executes the same steps.
/// </summary>
internal sealed record LoadPlan
{
    /// <summary>The strategy that wrote the plan.</summary>
    public required Strategy Strategy { get; init; }

    /// <summary>The tensors to load, with their types in memory.</summary>
    public required LoadView View { get; init; }

    /// <summary>The checkpoint that the bytes come from.</summary>
    public Checkpoint Checkpoint => View.Checkpoint;

    /// <summary>The buffers, by index.</summary>
    public required ImmutableArray<PlanBuffer> Buffers { get; init; }

    /// <summary>The steps, in order.</summary>
    public required ImmutableArray<PlanStep> Steps { get; init; }

    /// <summary>The final place of each storage of the checkpoint, by storage index.</summary>
    public required ImmutableArray<Placement> Placements { get; init; }

    /// <summary>Bytes of the staging ring; 0 if the plan needs none.</summary>
    public required long RingBytes { get; init; }

    /// <summary>
    /// Returns the plan that a strategy writes with a staging ring up to a limit. The strategy is not <see cref="Strategy.Auto"/>, which
    /// <see cref="PlanChooser"/> replaces by another. Only the kind of the device is used. Nothing is allocated.
    /// </summary>
    /// <exception cref="MemLoadException">ML6006: there are no tensors to load.</exception>
    public static LoadPlan Create(Strategy strategy, LoadView view, IDevice device, long ringBytes = StagingRing.DefaultBytes)
    {
        using var record = new PlanRecord(view.Checkpoint.Storages.Length);
        using PlanWriter writer = Write(strategy, view, device, ringBytes, [record]);
        return writer.Finish(strategy, record);
    }

    /// <summary>Writes the plan of a strategy for readers that keep no steps.</summary>
    /// <returns>The writer, which knows the size of the ring. The caller disposes it.</returns>
    /// <exception cref="MemLoadException">ML6006: there are no tensors to load.</exception>
    internal static PlanWriter Write(Strategy strategy, LoadView view, IDevice device, long ringBytes, IPlanReader[] readers)
    {
        if (view.Tensors.IsEmpty)
        {
            throw Rules.NothingSelected.Broken(
                "the checkpoint contains no tensors", view.Checkpoint.Path,
                    remedy: "Check that this is the right file. It contains nothing to load.");
        }
        var writer = new PlanWriter(view, device.IsHost, ringBytes, readers);
        (strategy switch
        {
            Strategy.Baseline => (Action<PlanWriter>)BaselineStrategy.Write,
            Strategy.Sequential => SequentialStrategy.Write,
            Strategy.Meta => MetaStrategy.Write,
            Strategy.Mmap => MmapStrategy.Write,
            Strategy.PerTensor => PerTensorStrategy.Write,
            Strategy.Stream => StreamStrategy.Write,
            _ => throw new ArgumentOutOfRangeException(nameof(strategy), strategy, "No plan is written for this strategy."),
        })(writer);
        return writer;
    }

    /// <summary>Returns the batch that begins with a step: the steps that are executed together with it.</summary>
    internal ReadOnlySpan<PlanStep> BatchAt(int first)
    {
        ReadOnlySpan<PlanStep> rest = Steps.AsSpan()[first..];
        int count = 1;
        while (count < rest.Length && rest[count].Batch == rest[0].Batch)
        {
            count++;
        }
        return rest[..count];
    }
}
