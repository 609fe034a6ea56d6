namespace MemLoad.Abstractions;

/// <summary>
/// Replaces null or a blank text by a value. Rows have <see langword="null"/>, and CSV files have an empty cell, if a value was not given.
/// PowerShell itself would convert a blank text to 0.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BlankIsAttribute(object? value) : ArgumentTransformationAttribute
{
    /// <summary>The value that replaces null or a blank text.</summary>
    public object? Value => value;

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object? given = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return given is null || (given is string text && string.IsNullOrWhiteSpace(text)) ? value : inputData;
    }
}
