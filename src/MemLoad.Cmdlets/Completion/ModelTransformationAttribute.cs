using System.Collections;

namespace MemLoad.Completion;

/// <summary>Converts the name or the id of a model to the model.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ModelTransformationAttribute : ArgumentTransformationAttribute
{
    /// <summary>
    /// Whether a name stands for all models that have it, and a name with wildcards for all models that it matches, even for none.
    /// </summary>
    public bool Wildcards { get; set; }

    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) => inputData switch
    {
        PSObject wrapped when wrapped.BaseObject is not PSCustomObject => Transform(engineIntrinsics, wrapped.BaseObject),
        int id => WithId(id),
        // ConvertFrom-Json returns numbers of 64 bits.
        long id => WithId(id),
        string pattern when Wildcards && WildcardPattern.ContainsWildcardCharacters(pattern)
            && !ModelSession.Current.Models.Any(model => model.IsNamed(pattern)) =>
            Matching(new WildcardPattern(pattern, WildcardOptions.IgnoreCase)),
        string name when Wildcards && ModelSession.Current.Models.Where(model => model.IsNamed(name)).ToArray() is { Length: > 1 } all =>
            all,
        string name => Find(model => model.IsNamed(name), Printable.Quote(name)),
        _ when LanguagePrimitives.GetEnumerable(inputData) is IEnumerable several => several.Cast<object>()
            .Select(one => Transform(engineIntrinsics, one)).SelectMany(found => found as IEnumerable<object> ?? [found]).ToArray(),
        _ => inputData,
    };

    private static LoadedGptModel WithId(long id) => Find(model => model.Id == id, id.ToString(CultureInfo.InvariantCulture));

    private static LoadedGptModel[] Matching(WildcardPattern pattern) =>
        [.. ModelSession.Current.Models.Where(model => pattern.IsMatch(model.Name))];

    // If several models have the name, the latest is used.
    private static LoadedGptModel Find(Func<LoadedGptModel, bool> wanted, string what) =>
        ModelSession.Current.Models.LastOrDefault(wanted)
            ?? throw new ArgumentTransformationMetadataException($"{Rules.ModelUnknown.Id}: {ModelSession.Unknown(what).Message}");
}
