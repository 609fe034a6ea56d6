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
    private const string Cuda = "cuda:";
    private const string TorchCuda = "torch:cuda:";

    /// <summary>
    /// The default device: the first card that the CUDA driver offers to this process. Without one, the simulated device. The first call
    /// starts the driver, which takes a part of a second: call it only where no device was named.
    /// </summary>
    public static string Default => CudaDriver.Here is null ? SimulatedDevice.DeviceName : CudaCard.NameOf(0);

    /// <summary>Returns the display name of a device. For the simulated device it states that the device is simulated.</summary>
    public static string Describe(string name) => IsSimulated(name) ? $"{name} (a simulated accelerator)" : name;

    /// <summary>Whether a name is that of the simulated device.</summary>
    public static bool IsSimulated(string name) =>
        SimulatedDevice.DeviceName.Equals(name, StringComparison.OrdinalIgnoreCase)
        || SimulatedDevice.UnifiedName.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a name is that of a card, whose memory all processes share.</summary>
    internal static bool IsCard(string name) =>
        IsCard(name.ToLowerInvariant(), Cuda, out _) || IsCard(name.ToLowerInvariant(), TorchCuda, out _);

    /// <summary>Names for completion: devices that may be available. No library is loaded to test them.</summary>
    public static IReadOnlyList<string> Names
    {
        get
        {
            string[] cards = CudaDriver.Here is CudaDriver driver ? [.. driver.Cards.Select(card => card.Name)] : [];
            string[] torch = TorchAssembly.Location is null
                ? []
                : [TorchHost, .. TorchAssembly.HasCuda ? cards.Select(card => $"torch:{card}") : []];
            return ["cpu", SimulatedDevice.DeviceName, SimulatedDevice.UnifiedName, .. cards, .. torch];
        }
    }

    /// <summary>Returns all devices, and the reason why a device cannot be used. Loads libtorch if it exists, to test it.</summary>
    public static IReadOnlyList<DeviceStatus> List() =>
    [
        new("cpu", true, "the host's own memory"),
        new(SimulatedDevice.DeviceName, true, "a simulated accelerator: real bytes, PyTorch's allocator rounding"),
        new(SimulatedDevice.UnifiedName, true, "a simulated accelerator that shares the host's memory"),
        .. CudaDriver.Here?.List() ?? [new DeviceStatus(CudaCard.NameOf(0), false, CudaDriver.ReasonForNone)],
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
            SimulatedDevice.UnifiedName => new SimulatedDevice(capacityBytes, unified: true),
            TorchHost => OpenTorch(lower, capacityBytes),
            _ when IsCard(lower, Cuda, out int number) => OpenCard(number, capacityBytes),
            _ when IsCard(lower, TorchCuda, out int number) => OpenTorch($"{TorchCuda}{number}", capacityBytes),
            _ => throw Rules.DeviceUnknown.Broken($"there is no device called '{name}'"),
        };
    }

    private static bool IsCard(string name, string prefix, out int number)
    {
        number = 0;
        return name.StartsWith(prefix, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static CudaDevice OpenCard(int number, long? capacityBytes)
    {
        if (CudaDriver.Here is not CudaDriver driver)
        {
            throw Rules.DeviceAbsent.Broken($"the device '{CudaCard.NameOf(number)}' cannot be used: {CudaDriver.ReasonForNone}");
        }
        CudaEnvironment.RequireUnchanged();
        return driver.OpenDevice(number, capacityBytes);
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

    private static IEnumerable<DeviceStatus> ListWithoutTorch(string reason) =>
        [new DeviceStatus(TorchHost, false, reason.Length > 0 ? reason : TorchAssembly.ReasonWithout(TorchHost))];
}
