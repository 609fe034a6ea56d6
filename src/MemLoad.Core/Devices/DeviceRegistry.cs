using System.Globalization;

namespace MemLoad;

/// <summary>One device as this machine sees it.</summary>
/// <param name="Name">What to pass as a device name.</param>
/// <param name="Available">Whether it can be used.</param>
/// <param name="Details">What it is, or why it cannot be used.</param>
/// <param name="FreeBytes">What can be reserved on it; null where nothing but the machine limits it, or it is not here.</param>
public sealed record DeviceStatus(string Name, bool Available, string Details, long? FreeBytes = null);

/// <summary>Finds devices by name.</summary>
public static class DeviceRegistry
{
    private const string NeedsTorch = "needs the TorchSharp build of MemLoad, which is not installed here";

    /// <summary>The device used when none is named: the first card where there is one, else the simulated one.</summary>
    public static string Default => "sim";

    /// <summary>All devices, with the reason where one cannot be used.</summary>
    public static IReadOnlyList<DeviceStatus> List() =>
    [
        new("cpu", true, "the host's own memory"),
        new("sim", true, "a simulated accelerator: real bytes, PyTorch's allocator rounding"),
        new("torch:cpu", false, NeedsTorch),
        new("cuda:0", false, NeedsTorch),
    ];

    /// <summary>Opens a device.</summary>
    /// <param name="name">A device name, case ignored.</param>
    /// <param name="capacityBytes">Capacity of a simulated device; other devices have their own.</param>
    /// <exception cref="MemLoadException">ML7003 if there is no such name, ML7004 if the device is not here.</exception>
    public static IDevice Open(string name, long? capacityBytes = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.ToLowerInvariant() switch
        {
            "cpu" => new HostDevice(),
            "sim" => new SimulatedDevice(capacityBytes),
            "torch:cpu" => throw Absent(name),
            _ when name.StartsWith("cuda:", StringComparison.OrdinalIgnoreCase) && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out _) => throw Absent(name),
            _ => throw Rules.DeviceUnknown.Broken($"there is no device called '{name}'"),
        };
    }

    private static MemLoadException Absent(string name) => Rules.DeviceAbsent.Broken($"the device '{name}' {NeedsTorch}");
}
