namespace MemLoad;

/// <summary>The names that a kind of pickle may use, and the records that they make.</summary>
internal interface IPickleVocabulary
{
    /// <summary>Returns the record for a name, or null if the name is not on the list.</summary>
    object? Resolve(string module, string name);

    /// <summary>Returns the reason why a name is refused.</summary>
    MemLoadException Refusal(string module, string name, bool isRoot, string path, long at);

    /// <summary>Returns the result of a call (REDUCE).</summary>
    object? Call(object? callee, PickleSequence arguments, OpenBudget budget, string path, long at);

    /// <summary>Returns an object that is made without its constructor (NEWOBJ).</summary>
    object? Create(object? type, PickleSequence arguments, OpenBudget budget, string path, long at);

    /// <summary>Sets the attributes of an object (BUILD). The state is not used afterwards.</summary>
    void Build(object? target, object? state, OpenBudget budget, string path, long at);
}
