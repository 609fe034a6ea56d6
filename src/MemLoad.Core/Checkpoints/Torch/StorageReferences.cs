using System.Runtime.InteropServices;

namespace MemLoad;

/// <summary>The storages that a pickle names with persistent ids. Every reference to a storage must have the same description.</summary>
/// <param name="path">The file, for errors.</param>
/// <param name="budget">The budget that is charged with each storage.</param>
/// <param name="expected">The approximate number of storages.</param>
internal sealed class StorageReferences(string path, OpenBudget budget, int expected)
{
    private readonly Dictionary<string, StorageReference?> _byKey = new(expected, StringComparer.Ordinal);

    // Keys of storages whose class is not known.
    private HashSet<string>? _held;

    /// <summary>The current number of storages.</summary>
    public int Count => _byKey.Count;

    /// <summary>Reads a persistent id.</summary>
    /// <exception cref="MemLoadException">ML3004 to ML3006; ML2013 if an earlier reference has another description.</exception>
    public StorageReference Add(object? persistentId)
    {
        budget.Spend(StorageReference.Overhead, path);
        StorageReference reference = TorchVocabulary.Storage(persistentId, path);
        budget.Spend(OpenBudget.Hashing(reference.Key.Length), path);
        if (_byKey.Count == _byKey.Capacity)
        {
            budget.Spend(3L * OpenBudget.EntryBytes * _byKey.Count, path);
        }
        reference.IsHeld = _held?.Contains(reference.Key) == true;
        ref StorageReference? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_byKey, reference.Key, out _);
        known ??= reference;
        if (known.IsLike(reference))
        {
            return known;
        }
        // Empty storages cannot be distinguished, so in PyTorch each tensor can have its own type for an empty storage.
        return known.Count == 0 && reference.Count == 0
            ? new StorageReference(reference.Key, reference.DType, 0, known)
            : throw Rules.StorageLengthMismatch.Broken($"the pickle describes storage {Printable.Quote(reference.Key)} in two ways", path);
    }

    /// <summary>Marks the storage of a key as held by an object, whether it was described before or will be.</summary>
    public void Hold(string key)
    {
        budget.Spend(OpenBudget.GrowingEntry + OpenBudget.Hashing(key.Length), path);
        (_held ??= new HashSet<string>(StringComparer.Ordinal)).Add(key);
        if (Find(key) is StorageReference known)
        {
            known.IsHeld = true;
        }
    }

    /// <summary>Returns the storage of a key, or null.</summary>
    public StorageReference? Find(string key) => _byKey.GetValueOrDefault(key);
}
