namespace MemLoad.Abstractions;

/// <summary>
/// Replaces null or an empty text by a value. Rows have <see langword="null"/>, and CSV files have an empty cell, if a value was not given.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BlankIsAttribute(object? value) : ArgumentTransformationAttribute
{
    /// <summary>The value that replaces null or an empty text.</summary>
    public object? Value => value;

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is null or "" ? value : inputData;
}
