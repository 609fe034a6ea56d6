namespace MemLoad;

/// <summary>Chooses the reader of process memory for this platform.</summary>
internal static class ProcessMemory
{
    public static IProcessMemory Open()
    {
        if (OperatingSystem.IsLinux())
        {
            return new LinuxProcessMemory();
        }
        if (OperatingSystem.IsWindows())
        {
            return new WindowsProcessMemory();
        }
        return OperatingSystem.IsMacOS() ? new MacProcessMemory() : new Unknown();
    }

    /// <summary>A platform that reports no figures.</summary>
    private sealed class Unknown : IProcessMemory
    {
        public MemoryReading Read() => default;
    }
}
