using System.Collections;

namespace MemLoad.Completion;

/// <summary>The devices that can be used here.</summary>
public sealed class DeviceCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound) =>
        DeviceRegistry.List().Where(device => device.Available).Select(device => (device.Name, device.Details));
}
