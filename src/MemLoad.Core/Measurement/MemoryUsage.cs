namespace MemLoad;

/// <summary>What this process holds of the host's memory right now, in bytes; null where the platform cannot say.</summary>
/// <param name="HostBytes">Anonymous and shared memory (Windows: private bytes; macOS: physical footprint).</param>
/// <param name="HostFileBytes">Resident file-backed pages, which the kernel can reclaim.</param>
/// <param name="PeakResidentBytes">The system's high-water mark since <see cref="ResetPeak"/>, or since the process began. On Linux the mark is
/// of the whole resident set, file-backed pages included.</param>
internal sealed record MemoryUsage(long? HostBytes, long? HostFileBytes, long? PeakResidentBytes)
{
    /// <summary>Asks the system.</summary>
    public static MemoryUsage Now()
    {
        using IProcessMemory memory = ProcessMemory.Open();
        MemoryReading reading = memory.Read();
        return new MemoryUsage(reading.HostBytes, reading.FileBytes, reading.MarkBytes);
    }

    /// <summary>Lowers the high-water mark to what is held now.</summary>
    /// <returns>False where the system does not let a process do that.</returns>
    public static bool ResetPeak()
    {
        using IProcessMemory memory = ProcessMemory.Open();
        return memory.ResetMark();
    }
}
