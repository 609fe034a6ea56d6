using System.Globalization;
using System.Management.Automation;

namespace MemLoad.Abstractions;

/// <summary>A whole number of at least so much, or none: unlike PowerShell's own check of ranges, this one lets <see langword="null"/> pass.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AtLeastAttribute(long least) : ValidateArgumentsAttribute
{
    /// <summary>The least value.</summary>
    public long Least => least;

    /// <inheritdoc/>
    /// <exception cref="ValidationMetadataException">The value is less.</exception>
    protected override void Validate(object arguments, EngineIntrinsics engineIntrinsics)
    {
        if (arguments is not null && LanguagePrimitives.ConvertTo<long>(arguments) < least)
        {
            throw new ValidationMetadataException(string.Create(CultureInfo.InvariantCulture, $"The value {arguments} is less than {least}."));
        }
    }
}
