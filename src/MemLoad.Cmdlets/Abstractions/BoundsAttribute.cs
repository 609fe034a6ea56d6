using System.Collections;

namespace MemLoad.Abstractions;

/// <summary>
/// Accepts the bounds of a load as a hashtable, such as <c>@{ Time = '2s'; Host = 4GB }</c>, or as texts such as <c>time=2s</c> and
/// <c>host=4GB</c>, which may be one text with commas, as the command line does. A number for the time is in seconds.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BoundsAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentTransformationMetadataException">A figure or its value is not valid.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? given = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (given is null or "" or LoadBounds)
        {
            return given is "" ? null : given;
        }
        IEnumerable<string> words = given is IDictionary table
            ? table.Cast<DictionaryEntry>().Select(entry => $"{entry.Key}={Value(entry.Value)}")
            : CommaSeparated.Words(given).Select(word => word.Trim());
        return LoadBounds.TryParse(words, out LoadBounds bounds, out string? wrong) ? bounds
            : throw new ArgumentTransformationMetadataException($"{Printable.Quote(wrong!)} is not a bound: {LoadBounds.Syntax}.");
    }

    private static string? Value(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        TimeSpan time => Digits(time.TotalSeconds),
        double number => Digits(number),
        float number => Digits(number),
        object other => Convert.ToString(other, CultureInfo.InvariantCulture),
        null => null,
    };

    // Without an exponent.
    private static string Digits(double number) => number.ToString("0.#########", CultureInfo.InvariantCulture);
}
