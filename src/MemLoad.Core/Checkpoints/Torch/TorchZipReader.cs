namespace MemLoad;

/// <summary>
/// Reads the directory of a file that <c>torch.save</c> writes since PyTorch 1.6: a zip archive of a pickle and one record per storage.
/// </summary>
internal static class TorchZipReader
{
    private const string PickleName = "/data.pkl";

    /// <summary>What an archive says: its records, the folder that they lie in, and the value of its pickle.</summary>
    /// <param name="Directory">The records.</param>
    /// <param name="Folder">The name of the folder, without a slash.</param>
    /// <param name="Root">The value.</param>
    /// <param name="StorageCount">Number of storages that the value refers to.</param>
    internal readonly record struct Archive(ZipDirectory Directory, string Folder, object? Root, int StorageCount)
    {
        /// <summary>Returns the record of a storage.</summary>
        /// <exception cref="MemLoadException">ML2012 or ML2013: there is none, or it has another length.</exception>
        public ZipRecord RecordOf(StorageReference storage, string path)
        {
            ZipRecord record = Directory.Find($"{Folder}/data/", storage.Key)
                ?? throw Rules.StorageRecordMissing.Broken($"the storage {Printable.Quote(storage.Key)} has no record in the archive", path);
            return storage.Bytes == record.Length ? record : throw Rules.StorageLengthMismatch.Broken(
                $"the pickle gives storage {Printable.Quote(storage.Key)} {storage.Bytes} bytes, its record has {record.Length}", path);
        }
    }

    public static Checkpoint Read(CheckpointFileReader file, OpenBudget budget, CancellationToken cancellationToken)
    {
        string path = file.Path;
        Archive archive = Open(file, budget, cancellationToken);
        var builder = new CheckpointBuilder(path, CheckpointFormat.TorchZip, budget, archive.StorageCount);
        int home = builder.AddFile(file);
        new TorchContainer(builder, budget, path, reference =>
        {
            if (reference.Index < 0)
            {
                ZipRecord record = archive.RecordOf(reference, path);
                reference.Index = builder.AddStorage(home, record.Offset, record.Length);
            }
            return reference.Index;
        }).Add(archive.Root);
        return builder.Build();
    }

    /// <summary>Reads the directory and the pickle of an archive.</summary>
    /// <exception cref="MemLoadException">ML1005, ML1013, ML2xxx and ML3xxx.</exception>
    internal static Archive Open(FileRange file, OpenBudget budget, CancellationToken cancellationToken)
    {
        string path = file.Path;
        ZipDirectory directory = ZipDirectory.Read(file, budget, cancellationToken);
        (string prefix, ZipRecord pickle) = FindPickle(directory.Records, path);
        if (directory.Find(prefix, "/byteorder") is { } order && !file.ReadBytes(order.Offset, Math.Min(order.Length, 16)).AsSpan().SequenceEqual("little"u8))
        {
            throw Rules.ZipBigEndian.Broken("the archive says that its bytes are not little-endian", path, order.Offset);
        }
        var references = new StorageReferences(path, budget, directory.Records.Count);
        var recalls = PickleRecalls.Of(file, pickle.Offset, pickle.Length, budget);
        using var input = new PickleInput(file, pickle.Offset, pickle.Length, budget);
        object? root = new PickleMachine(input, references.Add, recalls).Load(cancellationToken);
        return input.Remaining == 0
            ? new Archive(directory, prefix, root, references.Count)
            : throw Rules.PickleMalformed.Broken($"{input.Remaining} bytes follow the end of the pickle", path, input.Position);
    }

    private static (string Prefix, ZipRecord Pickle) FindPickle(IReadOnlyList<ZipRecord> records, string path)
    {
        // A TorchScript program is refused first, because its compressed code would break another rule.
        ZipRecord? compressed = null;
        ZipRecord? pickle = null;
        int pickles = 0;
        foreach (ZipRecord record in records)
        {
            if (record.Name.Contains("/code/", StringComparison.Ordinal) || record.Name.EndsWith("/constants.pkl", StringComparison.Ordinal))
            {
                throw Rules.ZipTorchScript.Broken($"the file is a TorchScript program ({Printable.Quote(record.Name)}), not a state dict", path);
            }
            compressed ??= record.Compressed ? record : null;
            if (record.Name.EndsWith(PickleName, StringComparison.Ordinal) && record.Name.IndexOf('/', StringComparison.Ordinal) == record.Name.Length - PickleName.Length)
            {
                pickle = record;
                pickles++;
            }
        }
        if (compressed is { } packed)
        {
            throw Rules.ZipCompressed.Broken($"the record {Printable.Quote(packed.Name)} is compressed", path, packed.Offset);
        }
        if (pickles != 1)
        {
            throw Rules.ZipNotTorch.Broken($"the archive has {pickles} records FOLDER/data.pkl; PyTorch's have one", path);
        }
        string folder = pickle!.Value.Name[..^(PickleName.Length - 1)];
        foreach (ZipRecord record in records)
        {
            if (!record.Name.StartsWith(folder, StringComparison.Ordinal))
            {
                throw Rules.ZipNameInvalid.Broken($"the record {Printable.Quote(record.Name)} lies outside the archive's folder {Printable.Quote(folder[..^1])}", path);
            }
        }
        return (folder[..^1], pickle.Value);
    }
}
