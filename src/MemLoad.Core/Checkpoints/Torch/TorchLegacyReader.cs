using System.Buffers.Binary;
using System.Numerics;

namespace MemLoad;

/// <summary>
/// Reads the directory of a file from before PyTorch 1.6 (torch/serialization.py, <c>_legacy_save</c>). Such a file has five pickles: magic
/// number, protocol version, system facts, the object, and the storage keys. Each storage follows as a 64-bit element count and its bytes.
/// </summary>
internal static class TorchLegacyReader
{
    private const long ProtocolVersion = 1001;
    private static readonly BigInteger Magic = new UInt128(0x1950, 0xa86a20f9469cfc6c);

    public static Checkpoint Read(WholeFile file, FileBudget budget, CancellationToken cancellationToken)
    {
        string path = file.Path;
        using var input = new PickleInput(file, 0, file.Length, budget);
        var none = new StorageReferences(budget, 0);

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
            throw Rules.ZipBigEndian.Broken(
                "the file does not state that its bytes are little-endian",
                path,
                0,
                remedy: "Write the file again on a little-endian machine.");
        }
        long start = input.Position;
        var recalls = PickleRecalls.Of(file, start, file.Length - start, budget, cancellationToken);
        long end = 0;
        PickleSequence? keys = null;
        PickledObjects.Reading reading = PickledObjects.Read(objects =>
        {
            using var value = new PickleInput(file, start, (recalls?.End ?? file.Length) - start, budget);
            var references = new StorageReferences(budget, 0);
            object? root = PickledObjects.Machine(value, references, recalls, objects).Load(cancellationToken);
            using var rest = new PickleInput(file, value.Position, file.Length - value.Position, budget);
            keys = new PickleMachine(rest, references.Add).Load(cancellationToken) as PickleSequence;
            end = rest.Position;
            return new PickledObjects.Reading(root, references, objects);
        }, budget);
        if (keys is not { Kind: PickleSequenceKind.List })
        {
            throw Rules.LegacyHeader.Broken("the list of storage keys is missing", path, end);
        }

        var builder = new CheckpointBuilder(path, CheckpointFormat.TorchLegacy, budget, reading.References.Count);
        int home = builder.AddFile(file);
        LocateStorages(file, builder, home, keys, reading.References, end, cancellationToken);
        new TorchContainer(
            builder,
            budget,
            storage =>
                storage.Facts.Index >= 0
                    ? storage.Facts.Index
                    : throw Rules.StorageRecordMissing.Broken(
                        $"the storage {Printable.Quote(storage.Key)} is not in the file's list of keys",
                        path),
            reading.Objects).Add(reading.Root);
        return builder.Build();

        object? Next() => new PickleMachine(input, none.Add).Load(cancellationToken);
    }

    private static void LocateStorages(
        WholeFile file, CheckpointBuilder builder, int home, PickleSequence keys, StorageReferences references, long position,
        CancellationToken ct)
    {
        Span<byte> stated = stackalloc byte[sizeof(long)];
        foreach (object? item in keys.Items)
        {
            ct.ThrowIfCancellationRequested();
            if (item is not string key || references.Find(key) is not { Facts.Index: < 0 } storage)
            {
                throw Rules.LegacyHeader.Broken("the list of storage keys does not match the storages of the pickle", file.Path, position);
            }
            if (position > file.Length - stated.Length)
            {
                throw Rules.FileTruncated.Broken(
                    $"the file has {file.Length} bytes but another storage is expected here", file.Path, file.Length);
            }
            file.ReadExactly(position, stated);
            ref StorageFacts facts = ref storage.Facts;
            long count = BinaryPrimitives.ReadInt64LittleEndian(stated);
            if (count != facts.Count)
            {
                throw Rules.StorageLengthMismatch.Broken(
                    $"the pickle gives storage {Printable.Quote(key)} {facts.Count} elements, and the file {count}", file.Path, position);
            }
            position += sizeof(long);
            facts.Index = builder.AddStorage(home, position, facts.Length);
            position += facts.Length;
        }
        if (position != file.Length)
        {
            throw Rules.LegacyHeader.Broken($"{file.Length - position} bytes follow the last storage", file.Path, position);
        }
    }
}
