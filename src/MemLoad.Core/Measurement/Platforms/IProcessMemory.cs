namespace MemLoad;

/// <summary>The figures of the operating system about the memory of this process. Two threads must not use it at the same time.</summary>
internal interface IProcessMemory : IDisposable
{
    /// <summary>Whether <see cref="MemoryReading.MarkBytes"/> covers host memory and file-backed pages, or only host memory.</summary>
    bool MarkCoversFiles => false;

    /// <summary>Returns the present state. It allocates nothing and never throws.</summary>
    MemoryReading Read();

    /// <summary>Lowers the high-water mark to the present state. Returns false if the system does not support it.</summary>
    bool ResetMark() => false;

    /// <summary>Returns the counters since the start of the process.</summary>
    ProcessCounters ReadCounters() => default;

    void IDisposable.Dispose()
    {
    }
}

/// <summary>The memory of the process at one moment, in bytes; null if the platform does not report it.</summary>
/// <param name="HostBytes">Anonymous and shared memory.</param>
/// <param name="FileBytes">Resident file-backed pages.</param>
/// <param name="MarkBytes">The system's high-water mark since the last reset, or since the start of the process.</param>
internal readonly record struct MemoryReading(long? HostBytes, long? FileBytes, long? MarkBytes);

/// <summary>The counters of a process since its start; null if the platform does not report them.</summary>
/// <param name="MajorFaults">Page faults that needed the disk.</param>
/// <param name="ReadBytes">Bytes fetched from the disk.</param>
internal readonly record struct ProcessCounters(long? MajorFaults, long? ReadBytes);
