namespace MemLoad;

/// <summary>Devices that come in an assembly of their own, which is loaded when one of them is asked for.</summary>
public interface IDeviceProvider
{
    /// <summary>Its devices, with the reason where one cannot be used. Loads whatever it takes to know.</summary>
    IReadOnlyList<DeviceStatus> List();

    /// <summary>Opens a device.</summary>
    /// <param name="name">A device name in lower case.</param>
    /// <param name="capacityBytes">The most the device may reserve, if it has memory of its own and less than all of it may be used.</param>
    /// <exception cref="MemLoadException">ML7004 if the device is not here.</exception>
    IDevice Open(string name, long? capacityBytes);
}
