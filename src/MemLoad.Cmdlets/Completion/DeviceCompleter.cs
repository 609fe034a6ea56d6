using System.Collections;

namespace MemLoad.Completion;

/// <summary>The devices that may be here: completing a word loads no library.</summary>
public sealed class DeviceCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound) =>
        DeviceRegistry.Names.Select(name => (name, name));
}
