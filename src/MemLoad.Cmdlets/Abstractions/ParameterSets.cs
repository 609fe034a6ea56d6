namespace MemLoad.Abstractions;

/// <summary>Names of parameter sets, as users see them in errors.</summary>
internal static class ParameterSets
{
    public const string Path = nameof(Path);
    public const string LiteralPath = nameof(LiteralPath);
    public const string ScriptBlock = nameof(ScriptBlock);
    public const string Size = nameof(Size);
    public const string Dimensions = nameof(Dimensions);
}
