namespace MemLoad;

/// <summary>The storages that a pickle names by persistent ids: the same one in the same way each time.</summary>
internal sealed class StorageReferences(string path)
{
    private readonly Dictionary<string, StorageReference> _byKey = new(StringComparer.Ordinal);

    /// <summary>All of them so far.</summary>
    public IReadOnlyDictionary<string, StorageReference> ByKey => _byKey;

    /// <summary>Reads a persistent id.</summary>
    /// <exception cref="MemLoadException">ML3004 to ML3006; ML2013 if the storage was described in another way before.</exception>
    public StorageReference Add(object? persistentId)
    {
        StorageReference reference = TorchVocabulary.Storage(persistentId, path);
        return _byKey.TryAdd(reference.Key, reference) || _byKey[reference.Key] == reference
            ? reference
            : throw Rules.StorageLengthMismatch.Broken($"the pickle describes storage {Printable.Quote(reference.Key)} in two ways", path);
    }
}
