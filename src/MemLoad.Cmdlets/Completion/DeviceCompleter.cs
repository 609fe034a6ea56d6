using System.Collections;

namespace MemLoad.Completion;

/// <summary>Completes names of devices. It does not load a library to complete a word, so a device may not be available.</summary>
public sealed class DeviceCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound) =>
        DeviceRegistry.Names.Select(name => (name, name));
}
