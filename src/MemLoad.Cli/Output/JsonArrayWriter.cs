using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>
/// An array that is written item by item. The text of the whole array is that of <see cref="JsonOutput.Write{T}"/>.
/// </summary>
internal sealed class JsonArrayWriter<T>(JsonTypeInfo<T> type, TextWriter output)
    where T : notnull
{
    private bool _hasItem;

    public void Write(T item)
    {
        output.Write(_hasItem ? ",\n  " : "[\n  ");
        // Texts in JSON have no line ends of their own.
        output.Write(JsonOutput.Text(item, type).Replace("\n", "\n  ", StringComparison.Ordinal));
        _hasItem = true;
    }

    public void End() => output.Write(_hasItem ? "\n]\n" : "[]\n");
}
