namespace MemLoad;

/// <summary>The names that a kind of pickle may use, and the records that they make.</summary>
internal interface IPickleVocabulary
{
    /// <summary>Whether a dict may have two keys with one name, such as 1 and '1'.</summary>
    bool TakesRepeatedNames => false;

    /// <summary>Returns the record for a name, or null if the name is not on the list.</summary>
    object? Resolve(string module, string name, long at);

    /// <summary>Returns the reason why a name is refused.</summary>
    MemLoadException RefusalOf(string module, string name, bool isRoot, long at);

    /// <summary>Returns the result of a call (REDUCE).</summary>
    object? Call(object? callee, PickleSequence arguments, long at);

    /// <summary>Returns an object that is created without its constructor (NEWOBJ).</summary>
    object? Create(object? type, PickleSequence arguments, long at);

    /// <summary>Sets the attributes of an object (BUILD). The state is not used afterwards.</summary>
    void Build(object? target, object? state, long at);

    /// <summary>Adds items, or keys and values, to an object of the vocabulary. Returns false if the target is none.</summary>
    bool TryAdd(object? target, ReadOnlySpan<object?> items) => false;

    /// <summary>Sets an entry of a dict whose key is an object of the vocabulary. Returns false if the key is none.</summary>
    bool TrySetKey(PickleDict dict, object? key, object? value) => false;

    /// <summary>Records items that were added to a container that an object holds.</summary>
    void Hold(ReadOnlySpan<object?> items)
    {
    }
}
