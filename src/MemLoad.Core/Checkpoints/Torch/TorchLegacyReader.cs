using System.Buffers.Binary;
using System.Numerics;

namespace MemLoad;

/// <summary>
/// Reads the directory of a file of before PyTorch 1.6 (torch/serialization.py, <c>_legacy_save</c>): five pickles (magic number,
/// protocol version, system facts, the object, the storage keys), then each storage as a 64-bit element count and its bytes.
/// </summary>
internal static class TorchLegacyReader
{
    private const long ProtocolVersion = 1001;
    private static readonly BigInteger Magic = BigInteger.Parse("0x1950a86a20f9469cfc6c"[2..], System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);

    public static Checkpoint Read(string path, CancellationToken cancellationToken)
    {
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        var references = new StorageReferences(path);
        var input = new PickleInput(file, 0, file.Length);

        object? magic = Next();
        if (magic is not BigInteger number || number != Magic)
        {
            throw Rules.LegacyHeader.Broken("the file does not start with PyTorch's magic number", path, 0);
        }
        if (Next() is not ProtocolVersion)
        {
            throw Rules.LegacyHeader.Broken($"the file's protocol version is not {ProtocolVersion}", path, 0);
        }
        if (Next() is not PickleDict system || system.Get("little_endian") is not true)
        {
            throw Rules.ZipBigEndian.Broken("the file does not say that its bytes are little-endian", path, 0);
        }
        long objectStart = input.Position;
        object? root = Next();
        long objectBytes = input.Position - objectStart;
        if (Next() is not PickleSequence { Kind: PickleSequenceKind.List } keys)
        {
            throw Rules.LegacyHeader.Broken("the list of storage keys is missing", path, input.Position);
        }

        var builder = new CheckpointBuilder(path, CheckpointFormat.TorchLegacy);
        int home = builder.AddFile(file);
        Dictionary<string, int> storages = LocateStorages(file, builder, home, keys.Items, references.ByKey, input.Position, cancellationToken);
        TorchContainer.AddTo(builder, root, objectBytes, path, reference => storages.TryGetValue(reference.Key, out int index)
            ? index
            : throw Rules.StorageRecordMissing.Broken($"the storage {Printable.Quote(reference.Key)} is not in the file's list of keys", path));
        return builder.Build();

        object? Next() => new PickleMachine(input, references.Add).Load(cancellationToken);
    }

    private static Dictionary<string, int> LocateStorages(
        CheckpointFileReader file, CheckpointBuilder builder, int home, List<object?> keys, IReadOnlyDictionary<string, StorageReference> references, long position,
        CancellationToken cancellationToken)
    {
        var storages = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (object? item in keys)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (item is not string key || !references.TryGetValue(key, out StorageReference? reference) || storages.ContainsKey(key))
            {
                throw Rules.LegacyHeader.Broken("the list of storage keys does not match the storages of the pickle", file.Path, position);
            }
            long count = BinaryPrimitives.ReadInt64LittleEndian(file.ReadBytes(position, sizeof(long)));
            if (count != reference.Count)
            {
                throw Rules.StorageLengthMismatch.Broken($"the pickle gives storage {Printable.Quote(key)} {reference.Count} elements, the file {count}", file.Path, position);
            }
            position += sizeof(long);
            storages.Add(key, builder.AddStorage(home, position, reference.Bytes));
            position += reference.Bytes;
        }
        return position == file.Length
            ? storages
            : throw Rules.LegacyHeader.Broken($"{file.Length - position} bytes follow the last storage", file.Path, position);
    }
}
