namespace MemLoad;

/// <summary>
/// Reads a plan while a strategy writes it: the forecast and the cost need no list of steps, which for a hundred thousand tensors is long.
/// </summary>
internal interface IPlanReader
{
    /// <summary>The next step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="buffer">The buffer it acts on.</param>
    /// <param name="source">The buffer it copies from, or passes through when it reads; default where there is none.</param>
    void Read(PlanStep step, PlanBuffer buffer, PlanBuffer source);

    /// <summary>Where a storage lies in the end. Only who runs the plan needs to know.</summary>
    void Place(int storage, Placement place)
    {
    }
}
