using System.CommandLine;

namespace MemLoad.Cli;

/// <summary>An option that has one value, and may be repeated for more values.</summary>
/// <typeparam name="T">The type of a value.</typeparam>
internal sealed class RepeatedOption<T>(string name) : Option<T[]>(name);
