namespace MemLoad;

/// <summary>What the operating system says about the memory of this process. Not safe for use by two threads at once.</summary>
internal interface IProcessMemory : IDisposable
{
    /// <summary>Whether <see cref="MemoryReading.MarkBytes"/> is of host memory and file-backed pages together or of host memory
    /// alone.</summary>
    bool MarkCoversFiles => false;

    /// <summary>The present state. Allocates nothing and never throws.</summary>
    MemoryReading Read();

    /// <summary>Lowers the high-water mark to the present state where the system lets us; false where it does not.</summary>
    bool ResetMark() => false;

    /// <summary>Counters of the whole life of the process.</summary>
    ProcessCounters ReadCounters() => default;

    void IDisposable.Dispose()
    {
    }
}

/// <summary>Memory of the process at one moment, in bytes; null where the platform cannot say.</summary>
/// <param name="HostBytes">Anonymous and shared memory.</param>
/// <param name="FileBytes">Resident file-backed pages.</param>
/// <param name="MarkBytes">The system's high-water mark since the last reset, or since the process began.</param>
internal readonly record struct MemoryReading(long? HostBytes, long? FileBytes, long? MarkBytes);

/// <summary>Counters of a process since it began; null where the platform cannot say.</summary>
/// <param name="MajorFaults">Page faults that needed the disk.</param>
/// <param name="ReadBytes">Bytes fetched from the disk.</param>
internal readonly record struct ProcessCounters(long? MajorFaults, long? ReadBytes);
