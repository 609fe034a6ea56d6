using System.Globalization;

namespace MemLoad;

/// <summary>One device of this computer.</summary>
/// <param name="Name">The device name.</param>
/// <param name="Available">Whether it can be used.</param>
/// <param name="Details">A description, or the reason why it cannot be used.</param>
/// <param name="FreeBytes">The bytes that can be reserved. Null if only the computer limits the device, or if it is not available.</param>
/// <param name="Library">The library that computes on the device, with its version. Null for MemLoad.</param>
/// <param name="LibraryPath">The path of that library.</param>
public sealed record DeviceStatus(
    string Name, bool Available, string Details, long? FreeBytes = null, string? Library = null, string? LibraryPath = null);

/// <summary>Finds devices by name.</summary>
public static class DeviceRegistry
{
    private const string TorchHost = "torch:cpu";

    // Determined once, because the cards of a computer do not change.
    private static readonly Lazy<string> DefaultName = new(() => TorchAssembly.HasCuda && GraphicsCards.List().Count > 0 ? Card(0) : SimulatedDevice.DeviceName);

    /// <summary>
    /// The default device: the first card, if a card and a TorchSharp build for cards exist. Otherwise the simulated device.
    /// </summary>
    public static string Default => DefaultName.Value;

    /// <summary>Returns the display name of a device. For the simulated device it states that the device is simulated.</summary>
    public static string Describe(string name) => IsSimulated(name) ? $"{name} (a simulated accelerator)" : name;

    /// <summary>Whether a name is that of the simulated device.</summary>
    public static bool IsSimulated(string name) => SimulatedDevice.DeviceName.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>Names for completion: devices that may be available. No library is loaded to test them.</summary>
    public static IReadOnlyList<string> Names =>
        TorchAssembly.Location is null ? ["cpu", SimulatedDevice.DeviceName] : ["cpu", SimulatedDevice.DeviceName, TorchHost, .. GraphicsCards.List().Select((_, i) => Card(i))];

    /// <summary>Returns all devices, and the reason why a device cannot be used. Loads libtorch if it exists, to test it.</summary>
    public static IReadOnlyList<DeviceStatus> List() =>
    [
        new("cpu", true, "the host's own memory"),
        new(SimulatedDevice.DeviceName, true, "a simulated accelerator: real bytes, PyTorch's allocator rounding"),
        .. ListTorch(),
    ];

    /// <summary>Opens a device.</summary>
    /// <param name="name">A device name, case ignored.</param>
    /// <param name="capacityBytes">Capacity of a simulated device, or the maximum use of the memory of a card.</param>
    /// <exception cref="MemLoadException">ML7003 if the name is unknown, ML7004 if the device is not available.</exception>
    internal static IDevice Open(string name, long? capacityBytes = null)
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

    // An assembly of an earlier build loads, but fails when it is used.
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
