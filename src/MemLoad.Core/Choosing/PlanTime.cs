namespace MemLoad;

/// <summary>A duration in nanoseconds, for two states of the page cache: with all bytes of the files in it, and with none.</summary>
internal readonly record struct PlanTime(double Warm, double Cold)
{
    /// <summary>Work that depends on no file takes the same time in both states.</summary>
    public static implicit operator PlanTime(double nanoseconds) => new(nanoseconds, nanoseconds);

    public static PlanTime operator +(PlanTime a, PlanTime b) => new(a.Warm + b.Warm, a.Cold + b.Cold);

    public static PlanTime operator *(PlanTime perByte, long bytes) => new(perByte.Warm * bytes, perByte.Cold * bytes);

    /// <summary>Returns the time in microseconds, if the given part of the files, from 0 to 1, is in the page cache.</summary>
    public long Microseconds(double cachedShare) => Math.Max(1, (long)(((cachedShare * Warm) + ((1 - cachedShare) * Cold)) / 1000));
}
