using System.Globalization;
using System.Management.Automation;
using MemLoad.Models;

namespace MemLoad.Completion;

/// <summary>Lets a model be given by its name or its id as well.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ModelTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => inputData switch
    {
        PSObject wrapped when wrapped.BaseObject is not PSCustomObject => Transform(engineIntrinsics, wrapped.BaseObject),
        object[] several => several.Select(one => Transform(engineIntrinsics, one)).ToArray(),
        int id => Find(model => model.Id == id, id.ToString(CultureInfo.InvariantCulture)),
        string name => Find(model => model.Name.Equals(name, StringComparison.OrdinalIgnoreCase), Printable.Quote(name)),
        _ => inputData,
    };

    private static LoadedGptModel Find(Func<LoadedGptModel, bool> wanted, string what) =>
        // Of several models of one name the latest is meant.
        ModelSession.Current.Models.LastOrDefault(wanted)
            ?? throw new ArgumentTransformationMetadataException($"There is no model {what} in this session; Get-GptModel lists them.");
}
