namespace MemLoad.Abstractions;

/// <summary>
/// Accepts a number of bytes, or a text such as <c>8G</c>, <c>8 GB</c> or <c>1.5GiB</c>, as the command line does. PowerShell itself
/// accepts
/// only <c>8GB</c>. Null or an empty text means that no value is given, because rows have null and CSV files have an empty cell.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BytesAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentTransformationMetadataException">The text is not a size.</exception>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            null or "" => null,
            string text => ByteSize.TryParse(text, out long bytes)
                ? bytes
                : throw new ArgumentTransformationMetadataException(
                    $"{Printable.Quote(text)} is not a size: write bytes, or a number with KB, MB, GB or TB, such as 1.5GB."),
            _ => inputData,
        };
}
