using System.Management.Automation;

namespace MemLoad.Abstractions;

/// <summary>What nothing or an empty text stands for: rows have <see langword="null"/>, and cells of a CSV file nothing, where a value was not given.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BlankIsAttribute(object? value) : ArgumentTransformationAttribute
{
    /// <summary>The value that is meant.</summary>
    public object? Value => value;

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is null or "" ? value : inputData;
}
