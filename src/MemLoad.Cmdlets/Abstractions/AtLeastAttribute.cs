namespace MemLoad.Abstractions;

/// <summary>
/// Requires a whole number of at least a given value, or <see langword="null"/>, which PowerShell's own check of ranges rejects.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AtLeastAttribute(long least) : ValidateArgumentsAttribute
{
    /// <summary>The minimum.</summary>
    public long Least => least;

    /// <inheritdoc/>
    /// <exception cref="ValidationMetadataException">The value is less than the minimum.</exception>
    protected override void Validate(object arguments, EngineIntrinsics engineIntrinsics)
    {
        if (arguments is not null && LanguagePrimitives.ConvertTo<long>(arguments) < least)
        {
            throw new ValidationMetadataException(string.Create(CultureInfo.InvariantCulture,
                $"The value {arguments} is less than {least}."));
        }
    }
}
