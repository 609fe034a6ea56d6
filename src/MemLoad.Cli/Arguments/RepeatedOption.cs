namespace MemLoad.Cli;

/// <summary>An option that has one value, and may be repeated for more values.</summary>
internal sealed class RepeatedOption(string name) : Option<string[]>(name);
