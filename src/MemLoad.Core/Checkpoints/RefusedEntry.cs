namespace MemLoad;

/// <summary>An entry of a checkpoint that cannot be read, such as a sparse tensor. The others can be read without it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Why it cannot be read.</param>
internal sealed record RefusedEntry(string Name, MemLoadException Reason);
