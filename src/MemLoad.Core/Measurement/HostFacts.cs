using System.Reflection;

namespace MemLoad;

/// <summary>The facts about the machine that each row contains. They are determined once per process.</summary>
internal static class HostFacts
{
    private static readonly Lazy<string?> Processor = new(FindProcessorName);
    private static readonly Lazy<long?> TotalMemory = new(FindTotalMemory);
    private static readonly Lazy<string> Version = new(FindVersion);

    /// <summary>Name of the machine.</summary>
    public static string HostName => Environment.MachineName;

    /// <summary>
    /// The name of its processor: the name that the maker gives it, or the closest name that the system has. Null if the system has none.
    /// </summary>
    public static string? ProcessorName => Processor.Value;

    /// <summary>Physical memory of the machine in bytes, independent of the limit of a container; null if it is not known.</summary>
    public static long? TotalMemoryBytes => TotalMemory.Value;

    /// <summary>MemLoad's version, such as <c>0.1.0</c>.</summary>
    public static string ModuleVersion => Version.Value;

    /// <summary>
    /// Returns the name of the processor from the text of <c>/proc/cpuinfo</c>. On Arm the kernel often has only numbers, which identify
    /// the design (MIDR_EL1).
    /// </summary>
    internal static string? ProcessorNameOf(string? cpuInfo)
    {
        if (cpuInfo is null)
        {
            return null;
        }
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in cpuInfo.Split('\n'))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line[(colon + 1)..].Trim() is { Length: > 0 } value)
            {
                fields.TryAdd(line[..colon].Trim(), value);
            }
        }
        // On x86 'model' is a number. On Arm boards 'Model' is a name. 'cpu' is used on POWER.
        foreach (string key in (string[])["model name", "Model", "Hardware", "cpu model", "cpu"])
        {
            if (fields.TryGetValue(key, out string? name))
            {
                return name;
            }
        }
        return fields.TryGetValue("CPU implementer", out string? implementer) && fields.TryGetValue("CPU part", out string? part)
            ? $"Arm implementer {implementer} part {part}"
            : null;
    }

    private static string? FindProcessorName()
    {
        if (OperatingSystem.IsLinux())
        {
            return ProcessorNameOf(TextFile.TryRead("/proc/cpuinfo"));
        }
        if (OperatingSystem.IsWindows())
        {
            return WindowsFacts.ProcessorName();
        }
        return OperatingSystem.IsMacOS() ? MacFacts.Text("machdep.cpu.brand_string") : null;
    }

    // The runtime's figure is the limit of the container if there is one, which is not a fact about the machine.
    private static long? FindTotalMemory()
    {
        if (OperatingSystem.IsLinux())
        {
            return TextFile.Field(TextFile.TryRead("/proc/meminfo"), "MemTotal:") * 1024;
        }
        if (OperatingSystem.IsWindows())
        {
            return WindowsFacts.TotalMemory();
        }
        return OperatingSystem.IsMacOS() ? MacFacts.Number("hw.memsize") : null;
    }

    private static string FindVersion()
    {
        Assembly assembly = typeof(HostFacts).Assembly;
        string version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? assembly.GetName().Version?.ToString(3) ?? "0.0.0";
        int hash = version.IndexOf('+', StringComparison.Ordinal);
        return hash < 0 ? version : version[..hash];
    }
}
