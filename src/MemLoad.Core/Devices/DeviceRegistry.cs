using System.Globalization;

namespace MemLoad;

/// <summary>One device as this machine sees it.</summary>
/// <param name="Name">What to pass as a device name.</param>
/// <param name="Available">Whether it can be used.</param>
/// <param name="Details">What it is, or why it cannot be used.</param>
/// <param name="FreeBytes">What can be reserved on it; null where nothing but the machine limits it, or it is not here.</param>
/// <param name="Library">What computes there, with its version; null for MemLoad itself.</param>
/// <param name="LibraryPath">Where that was loaded from.</param>
public sealed record DeviceStatus(
    string Name, bool Available, string Details, long? FreeBytes = null, string? Library = null, string? LibraryPath = null);

/// <summary>Finds devices by name.</summary>
public static class DeviceRegistry
{
    private const string TorchHost = "torch:cpu";

    // Found once: cards do not come and go.
    private static readonly Lazy<string> DefaultName = new(() => TorchAssembly.HasCuda && GraphicsCards.List().Count > 0 ? Card(0) : SimulatedDevice.DeviceName);

    /// <summary>The device used when none is named: the first card where there is one and a TorchSharp build for cards, else the simulated device.</summary>
    public static string Default => DefaultName.Value;

    /// <summary>A device's name for people: of the simulated one, that it is one.</summary>
    public static string Describe(string name) => IsSimulated(name) ? $"{name} (a simulated accelerator)" : name;

    /// <summary>Whether a name is that of the simulated device.</summary>
    public static bool IsSimulated(string name) => SimulatedDevice.DeviceName.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>Names worth offering: devices that may be there, as far as that can be told without loading anything.</summary>
    public static IReadOnlyList<string> Names =>
        TorchAssembly.Location is null ? ["cpu", SimulatedDevice.DeviceName] : ["cpu", SimulatedDevice.DeviceName, TorchHost, .. GraphicsCards.List().Select((_, i) => Card(i))];

    /// <summary>All devices, with the reason where one cannot be used. Loads libtorch where it is there, for only then is it known to work.</summary>
    public static IReadOnlyList<DeviceStatus> List() =>
    [
        new("cpu", true, "the host's own memory"),
        new(SimulatedDevice.DeviceName, true, "a simulated accelerator: real bytes, PyTorch's allocator rounding"),
        .. ListTorch(),
    ];

    /// <summary>Opens a device.</summary>
    /// <param name="name">A device name, case ignored.</param>
    /// <param name="capacityBytes">Capacity of a simulated device, or the most to use of a card's memory.</param>
    /// <exception cref="MemLoadException">ML7003 if there is no such name, ML7004 if the device is not here.</exception>
    public static IDevice Open(string name, long? capacityBytes = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        string lower = name.ToLowerInvariant();
        return lower switch
        {
            "cpu" => new HostDevice(),
            SimulatedDevice.DeviceName => new SimulatedDevice(capacityBytes),
            TorchHost => OpenTorch(lower, capacityBytes),
            _ when lower.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(lower.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int card) =>
                OpenTorch(Card(card), capacityBytes),
            _ => throw Rules.DeviceUnknown.Broken($"there is no device called '{name}'"),
        };
    }

    private static IDevice OpenTorch(string name, long? capacityBytes)
    {
        IDeviceProvider? torch = TorchAssembly.TryLoad(out string reason);
        if (torch is null)
        {
            throw Rules.DeviceAbsent.Broken($"the device '{name}' {(reason.Length > 0 ? reason : TorchAssembly.ReasonWithout(name))}");
        }
        try
        {
            return torch.Open(name, capacityBytes);
        }
        catch (Exception e) when (IsOfAnotherVersion(e))
        {
            throw Rules.DeviceAbsent.Broken($"the device '{name}' {TorchAssembly.ReasonOfVersion}", innerException: e);
        }
    }

    private static IEnumerable<DeviceStatus> ListTorch()
    {
        try
        {
            return TorchAssembly.TryLoad(out string reason) is IDeviceProvider torch ? torch.List() : ListWithoutTorch(reason);
        }
        catch (Exception e) when (IsOfAnotherVersion(e))
        {
            return ListWithoutTorch(TorchAssembly.ReasonOfVersion);
        }
    }

    // An assembly that an earlier build left behind loads, and fails when it is used.
    private static bool IsOfAnotherVersion(Exception e) => e is TypeLoadException or MissingMemberException;

    private static IEnumerable<DeviceStatus> ListWithoutTorch(string reason)
    {
        yield return new DeviceStatus(TorchHost, false, reason.Length > 0 ? reason : TorchAssembly.ReasonWithout(TorchHost));
        IReadOnlyList<GraphicsCard> cards = GraphicsCards.List();
        for (int i = 0; i < Math.Max(1, cards.Count); i++)
        {
            string found = cards.Count > 0 ? $"{cards[i].Name}, driver {cards[i].DriverVersion}" : "no NVIDIA driver answers";
            yield return new DeviceStatus(Card(i), false, $"{found}; {(reason.Length > 0 ? reason : TorchAssembly.ReasonWithout(Card(i)))}");
        }
    }

    private static string Card(int number) => string.Create(CultureInfo.InvariantCulture, $"cuda:{number}");
}
