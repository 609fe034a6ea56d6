namespace MemLoad.Abstractions;

/// <summary>
/// Accepts the values of an enum by their names, case ignored, and rejects numbers. PowerShell itself accepts numbers, and adds the values
/// of several names in one text. With <c>pwsh -File</c>, cron and CSV files, <c>Sequential,Meta</c> is one text and would become
/// <c>Mmap</c>.
/// </summary>
/// <typeparam name="T">The type of the parameter: an enum, a nullable enum, or an array of an enum. An array accepts several names in one
/// text, separated by commas, as the command line does. An empty text means that an array or a nullable value is not given, because cells
/// of a CSV file may be empty.</typeparam>
[AttributeUsage(AttributeTargets.Property)]
public sealed class EnumNamesAttribute<T> : ArgumentTransformationAttribute
{
    private static readonly bool TakesSeveral = typeof(T).IsArray;
    private static readonly bool TakesNone = TakesSeveral || default(T) is null;
    private static readonly Type EnumType = typeof(T).GetElementType() ?? Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
    private static readonly string Names = string.Join(", ", Enum.GetNames(EnumType));

    /// <inheritdoc/>
    /// <exception cref="ArgumentTransformationMetadataException">A word is not a name, or there are several words for one value. The
    /// message lists the names.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? given = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        object[] values = given is null || (given is string text && string.IsNullOrWhiteSpace(text)) ? []
            : [.. CommaSeparated.Words(given).Select(Find)];
        if (TakesSeveral)
        {
            var several = Array.CreateInstance(EnumType, values.Length);
            values.CopyTo(several, 0);
            return several;
        }
        return values switch
        {
            [object only] => only,
            [] when TakesNone => null,
            [] => throw new ArgumentTransformationMetadataException($"A value is missing: choose from {Names}."),
            _ => throw new ArgumentTransformationMetadataException($"There are {values.Length} values and only one is allowed: choose from "
                + $"{Names}."),
        };
    }

    // An unambiguous prefix of a name is accepted, as for every enum in PowerShell.
    private static object Find(string word)
    {
        string[] names = [.. Enum.GetNames(EnumType).Where(name => name.StartsWith(word.Trim(), StringComparison.OrdinalIgnoreCase))];
        string? found = names.Length == 1 ? names[0] : names.FirstOrDefault(name => name.Length == word.Trim().Length);
        return found is null
            ? throw new ArgumentTransformationMetadataException($"{Printable.Quote(word.Trim())} is not one of the names: choose from "
                + $"{Names}.")
            : Enum.Parse(EnumType, found);
    }
}
