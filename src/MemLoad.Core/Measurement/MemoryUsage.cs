namespace MemLoad;

/// <summary>The host memory that this process holds now, in bytes; null if the platform cannot measure it.</summary>
/// <param name="HostBytes">Anonymous and shared memory (Windows: private bytes; macOS: physical footprint).</param>
/// <param name="HostFileBytes">Resident file-backed pages, which the kernel can reclaim.</param>
/// <param name="PeakResidentBytes">The system's high-water mark since <see cref="ResetPeak"/>, or since the start of the process. On Linux
/// the mark is of the whole resident set, including file-backed pages.</param>
internal sealed record MemoryUsage(long? HostBytes, long? HostFileBytes, long? PeakResidentBytes)
{
    /// <summary>Reads the figures from the system.</summary>
    public static MemoryUsage Now()
    {
        using IProcessMemory memory = ProcessMemory.Open();
        MemoryReading reading = memory.Read();
        return new MemoryUsage(reading.HostBytes, reading.FileBytes, reading.MarkBytes);
    }

    /// <summary>Lowers the high-water mark to the memory that is held now.</summary>
    /// <returns>False if the system does not allow it.</returns>
    public static bool ResetPeak()
    {
        using IProcessMemory memory = ProcessMemory.Open();
        return memory.ResetMark();
    }
}
