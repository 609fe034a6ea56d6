using System.Collections;
using System.Globalization;
using MemLoad.Models;

namespace MemLoad.Completion;

/// <summary>Completes the names of the models of this session.</summary>
public sealed class ModelCompleter : WordCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound) => ModelSession.Current.Models
        .Select(model => (model.Name, string.Create(CultureInfo.InvariantCulture, $"{model.State}, {model.ParameterCount} parameters")));
}
