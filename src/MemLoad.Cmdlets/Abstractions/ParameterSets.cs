namespace MemLoad.Abstractions;

/// <summary>The names of the parameter sets, which users see in errors.</summary>
internal static class ParameterSets
{
    public const string Path = nameof(Path);
    public const string LiteralPath = nameof(LiteralPath);
    public const string Program = nameof(Program);
    public const string ScriptBlock = nameof(ScriptBlock);
    public const string Size = nameof(Size);
    public const string Dimensions = nameof(Dimensions);
}
