namespace MemLoad;

/// <summary>How long something takes, in nanoseconds: with the files wholly in the page cache, and with nothing of them in it.</summary>
/// <param name="Warm">From the page cache.</param>
/// <param name="Cold">From the disk.</param>
internal readonly record struct PlanTime(double Warm, double Cold)
{
    /// <summary>What depends on no file takes the same either way.</summary>
    public static implicit operator PlanTime(double nanoseconds) => new(nanoseconds, nanoseconds);

    public static PlanTime operator +(PlanTime a, PlanTime b) => new(a.Warm + b.Warm, a.Cold + b.Cold);

    public static PlanTime operator *(PlanTime perByte, long bytes) => new(perByte.Warm * bytes, perByte.Cold * bytes);

    /// <summary>The time where this much of the files lies in the page cache, from 0 to 1, in microseconds.</summary>
    public long Microseconds(double cachedShare) => Math.Max(1, (long)(((cachedShare * Warm) + ((1 - cachedShare) * Cold)) / 1000));
}
