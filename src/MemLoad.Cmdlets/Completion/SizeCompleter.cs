using System.Collections;

namespace MemLoad.Completion;

/// <summary>Completes the known model sizes.</summary>
public sealed class SizeCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound)
    {
        foreach (string size in GptConfig.Sizes)
        {
            GptConfig config = GptConfig.FromSize(size);
            yield return (size, $"{config.LayerCount} layers, {config.HeadCount} heads, embedding {config.EmbeddingSize}");
        }
    }
}
