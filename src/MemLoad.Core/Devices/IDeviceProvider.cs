namespace MemLoad;

/// <summary>Provides devices of a separate assembly, which is loaded when one of them is requested.</summary>
internal interface IDeviceProvider
{
    /// <summary>Returns the devices, and the reason why a device cannot be used. Loads the libraries that the test needs.</summary>
    IReadOnlyList<DeviceStatus> List();

    /// <summary>Opens a device.</summary>
    /// <param name="name">A device name in lower case.</param>
    /// <param name="capacityBytes">The maximum number of bytes to reserve, if the device has its own memory and a limit applies.</param>
    /// <exception cref="MemLoadException">ML7004 if the device is not available.</exception>
    IDevice Open(string name, long? capacityBytes);
}
