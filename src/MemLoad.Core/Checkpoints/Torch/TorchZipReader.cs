namespace MemLoad;

/// <summary>
/// Reads the directory of a file that <c>torch.save</c> writes since PyTorch 1.6: a zip archive of a pickle and one record per storage.
/// </summary>
internal static class TorchZipReader
{
    private const string PickleName = "/data.pkl";

    public static Checkpoint Read(CheckpointFileReader file, OpenBudget budget, CancellationToken cancellationToken)
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
        if (input.Remaining > 0)
        {
            throw Rules.PickleMalformed.Broken($"{input.Remaining} bytes follow the end of the pickle", path, input.Position);
        }

        var builder = new CheckpointBuilder(path, CheckpointFormat.TorchZip, budget, references.Count);
        int home = builder.AddFile(file);
        string folder = $"{prefix}/data/";
        new TorchContainer(builder, budget, path, reference =>
        {
            if (reference.Index < 0)
            {
                ZipRecord record = directory.Find(folder, reference.Key)
                    ?? throw Rules.StorageRecordMissing.Broken($"the storage {Printable.Quote(reference.Key)} has no record in the archive", path);
                reference.Index = reference.Bytes == record.Length
                    ? builder.AddStorage(home, record.Offset, record.Length)
                    : throw Rules.StorageLengthMismatch.Broken(
                        $"the pickle gives storage {Printable.Quote(reference.Key)} {reference.Bytes} bytes, its record has {record.Length}", path);
            }
            return reference.Index;
        }).Add(root);
        return builder.Build();
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
