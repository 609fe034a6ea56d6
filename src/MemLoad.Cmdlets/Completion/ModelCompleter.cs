using System.Collections;

namespace MemLoad.Completion;

/// <summary>Completes the names of the models of this session.</summary>
public sealed class ModelCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound) => ModelSession.Current.Models
        .Select(model => (model.Name, $"{model.State}, {model.ParameterCount} parameters"));
}
