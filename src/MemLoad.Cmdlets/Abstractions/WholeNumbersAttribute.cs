namespace MemLoad.Abstractions;

/// <summary>
/// Accepts whole numbers one by one, or several in one text with commas, as the command line does. PowerShell itself removes commas from a
/// number, so that <c>1,2,3</c> in one text would be 123, and it rounds fractions.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class WholeNumbersAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    /// <exception cref="ArgumentTransformationMetadataException">A word is not a whole number of 32 bits.</exception>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        CommaSeparated.Words(inputData).Select(Number).ToArray();

    private static int Number(string word) => int.TryParse(word, NumberStyles.Integer, CultureInfo.InvariantCulture, out int number)
        ? number
        : throw new ArgumentTransformationMetadataException($"{Printable.Quote(word.Trim())} is not a whole number: write 1, 2, 3.");
}
