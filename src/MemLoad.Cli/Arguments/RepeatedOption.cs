using System.CommandLine;

namespace MemLoad.Cli;

/// <summary>An option that takes one value, and may be given again for more.</summary>
/// <typeparam name="T">The type of a value.</typeparam>
internal sealed class RepeatedOption<T>(string name) : Option<T[]>(name);
