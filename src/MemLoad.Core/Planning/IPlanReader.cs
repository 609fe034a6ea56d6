namespace MemLoad;

/// <summary>
/// Reads a plan while a strategy writes it. The forecast and the cost need no list of steps, which is long for a hundred thousand tensors.
/// </summary>
internal interface IPlanReader
{
    /// <summary>Receives the next step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="buffer">The buffer it acts on.</param>
    /// <param name="source">The buffer that a copy reads from, or that a read passes through; default if there is none.</param>
    void Read(PlanStep step, PlanBuffer buffer, PlanBuffer source);

    /// <summary>Receives the final place of a storage. Only the runner of a plan needs it.</summary>
    void Place(int storage, Placement place)
    {
    }
}
