using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>Keeps the steps of a plan, for its execution.</summary>
internal sealed class PlanRecord : IPlanReader, IDisposable
{
    private readonly PooledList<PlanStep> _steps = new();
    private readonly PooledList<(bool Known, Placement Place)> _placements = new();

    /// <summary>All steps that were written so far.</summary>
    public ImmutableArray<PlanStep> Steps() => ImmutableCollectionsMarshal.AsImmutableArray(_steps.ToArray());

    /// <summary>The final place of each storage; a place in no buffer if the plan does not say.</summary>
    public ImmutableArray<Placement> Placements(int storages)
    {
        _placements.Extend(storages);
        var places = new Placement[storages];
        for (int i = 0; i < storages; i++)
        {
            places[i] = _placements[i].Known ? _placements[i].Place : new Placement(-1, 0);
        }
        return ImmutableCollectionsMarshal.AsImmutableArray(places);
    }

    /// <inheritdoc/>
    public void Read(PlanStep step, PlanBuffer buffer, PlanBuffer source) => _steps.Add(step);

    /// <inheritdoc/>
    public void Place(int storage, Placement place)
    {
        _placements.Extend(storage + 1);
        _placements[storage] = (true, place);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _steps.Dispose();
        _placements.Dispose();
    }
}
