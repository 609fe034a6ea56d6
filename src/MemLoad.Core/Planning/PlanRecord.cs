namespace MemLoad;

/// <summary>Keeps the steps of a plan, for its execution.</summary>
internal sealed class PlanRecord(int storages) : IPlanReader, IDisposable
{
    private readonly PooledList<PlanStep> _steps = new();
    private readonly Placement[] _placements = [.. Enumerable.Repeat(new Placement(-1, 0), storages)];

    /// <summary>All steps that were written so far.</summary>
    public ImmutableArray<PlanStep> Steps => ImmutableCollectionsMarshal.AsImmutableArray(_steps.ToArray());

    /// <summary>The final place of each storage; a place in no buffer if the plan does not state it.</summary>
    public ImmutableArray<Placement> Placements => [.. _placements];

    public void Read(PlanStep step, PlanBuffer buffer, PlanBuffer source) => _steps.Add(step);

    public void Place(int storage, Placement place) => _placements[storage] = place;

    public void Dispose() => _steps.Dispose();
}
