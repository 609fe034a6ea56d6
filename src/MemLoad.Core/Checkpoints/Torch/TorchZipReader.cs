namespace MemLoad;

/// <summary>Reads the directory of a file that <c>torch.save</c> wrote since PyTorch 1.6: a zip archive of a pickle and one record a storage.</summary>
internal static class TorchZipReader
{
    private const string PickleName = "/data.pkl";

    public static Checkpoint Read(string path, CancellationToken cancellationToken)
    {
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        IReadOnlyList<ZipRecord> records = ZipDirectory.Read(file, cancellationToken);
        (string prefix, ZipRecord pickle) = FindPickle(records, path);
        var byName = records.ToDictionary(record => record.Name, StringComparer.Ordinal);
        if (byName.TryGetValue($"{prefix}/byteorder", out ZipRecord order) && !file.ReadBytes(order.Offset, Math.Min(order.Length, 16)).AsSpan().SequenceEqual("little"u8))
        {
            throw Rules.ZipBigEndian.Broken("the archive says that its bytes are not little-endian", path, order.Offset);
        }

        var references = new StorageReferences(path);
        var input = new PickleInput(file, pickle.Offset, pickle.Length);
        object? root = new PickleMachine(input, references.Add).Load(cancellationToken);
        if (input.Remaining > 0)
        {
            throw Rules.PickleMalformed.Broken($"{input.Remaining} bytes follow the end of the pickle", path, input.Position);
        }

        var builder = new CheckpointBuilder(path, CheckpointFormat.TorchZip);
        int home = builder.AddFile(file);
        var storages = new Dictionary<string, (int Index, long Length)>(StringComparer.Ordinal);
        TorchContainer.AddTo(builder, root, pickle.Length, path, reference =>
        {
            if (!storages.TryGetValue(reference.Key, out (int Index, long Length) storage))
            {
                if (!byName.TryGetValue($"{prefix}/data/{reference.Key}", out ZipRecord record))
                {
                    throw Rules.StorageRecordMissing.Broken($"the storage {Printable.Quote(reference.Key)} has no record in the archive", path);
                }
                storage = (builder.AddStorage(home, record.Offset, record.Length), record.Length);
                storages.Add(reference.Key, storage);
            }
            return reference.Bytes == storage.Length
                ? storage.Index
                : throw Rules.StorageLengthMismatch.Broken($"the pickle gives storage {Printable.Quote(reference.Key)} {reference.Bytes} bytes, its record has {storage.Length}", path);
        });
        return builder.Build();
    }

    private static (string Prefix, ZipRecord Pickle) FindPickle(IReadOnlyList<ZipRecord> records, string path)
    {
        // A program is refused as one, whatever else may be wrong with it: its code is compressed, too.
        if (records.FirstOrDefault(record => record.Name.Contains("/code/", StringComparison.Ordinal) || record.Name.EndsWith("/constants.pkl", StringComparison.Ordinal)).Name is string code)
        {
            throw Rules.ZipTorchScript.Broken($"the file is a TorchScript program ({Printable.Quote(code)}), not a state dict", path);
        }
        if (records.FirstOrDefault(record => record.Compressed) is { Compressed: true } compressed)
        {
            throw Rules.ZipCompressed.Broken($"the record {Printable.Quote(compressed.Name)} is compressed", path, compressed.Offset);
        }
        ZipRecord[] pickles = [.. records.Where(record => record.Name.EndsWith(PickleName, StringComparison.Ordinal) && record.Name.IndexOf('/') == record.Name.Length - PickleName.Length)];
        if (pickles is not [ZipRecord pickle])
        {
            throw Rules.ZipNotTorch.Broken($"the archive has {pickles.Length} records FOLDER/data.pkl; PyTorch's have one", path);
        }
        string prefix = pickle.Name[..^PickleName.Length];
        foreach (ZipRecord record in records)
        {
            if (!record.Name.StartsWith(prefix + "/", StringComparison.Ordinal))
            {
                throw Rules.ZipNameInvalid.Broken($"the record {Printable.Quote(record.Name)} lies outside the archive's folder {Printable.Quote(prefix)}", path);
            }
        }
        return (prefix, pickle);
    }
}
