using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>The storages that a pickle names by persistent ids: the same one in the same way each time.</summary>
/// <param name="path">The file, for errors.</param>
/// <param name="budget">Charged with each.</param>
/// <param name="expected">How many there will be, about.</param>
internal sealed class StorageReferences(string path, OpenBudget budget, int expected)
{
    private readonly Dictionary<string, StorageReference?> _byKey = new(expected, StringComparer.Ordinal);

    /// <summary>How many there are so far.</summary>
    public int Count => _byKey.Count;

    /// <summary>Reads a persistent id.</summary>
    /// <exception cref="MemLoadException">ML3004 to ML3006; ML2013 if the storage was described in another way before.</exception>
    public StorageReference Add(object? persistentId)
    {
        budget.Spend(StorageReference.Overhead, path);
        StorageReference reference = TorchVocabulary.Storage(persistentId, path);
        budget.Spend(OpenBudget.Hashing(reference.Key.Length), path);
        if (_byKey.Count == _byKey.Capacity)
        {
            budget.Spend(3L * OpenBudget.EntryBytes * _byKey.Count, path);
        }
        ref StorageReference? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_byKey, reference.Key, out _);
        known ??= reference;
        if (known.IsLike(reference))
        {
            return known;
        }
        // Nothing tells one empty storage from another, so PyTorch lets each tensor have its own type of it.
        return known.Count == 0 && reference.Count == 0
            ? new StorageReference(reference.Key, reference.DType, 0, known)
            : throw Rules.StorageLengthMismatch.Broken($"the pickle describes storage {Printable.Quote(reference.Key)} in two ways", path);
    }

    /// <summary>The storage of this key, or null.</summary>
    public StorageReference? Find(string key) => _byKey.GetValueOrDefault(key);
}
