namespace MemLoad;

/// <summary>
/// Reads the directory of a file that <c>torch.save</c> writes since PyTorch 1.6: a zip archive of a pickle and one record per storage.
/// </summary>
internal static class TorchZipReader
{
    private const string PickleName = "/data.pkl";
    private const long FreePickle = 1 << 20;
    private const long PickleRatio = 32;

    /// <summary>The content of an archive: its records, their folder, and the value of its pickle.</summary>
    /// <param name="Directory">The records.</param>
    /// <param name="Folder">The name of the folder, without a slash.</param>
    /// <param name="Root">The value.</param>
    /// <param name="StorageCount">Number of storages that the value refers to.</param>
    /// <param name="Swaps">Whether the bytes of its storages are big-endian.</param>
    internal readonly record struct Archive(ZipDirectory Directory, string Folder, object? Root, int StorageCount, bool Swaps)
    {
        // The name is created once, because the record of each storage is looked up.
        private readonly string _data = $"{Folder}/data/";

        /// <summary>The findings about objects other than tensors; null if there are none, or if they were not searched for.</summary>
        public ObjectVocabulary? Objects { get; init; }

        /// <summary>Returns the record of a storage.</summary>
        /// <exception cref="MemLoadException">ML2012 or ML2013: there is none, or it has another length.</exception>
        public ZipRecord RecordOf(Storage storage, string path)
        {
            ZipRecord record = (storage.Number < 0 ? Directory.Find(_data, storage.Key) : Directory.Find(_data, storage.Number))
                ?? throw Rules.StorageRecordMissing.Broken(
                    $"the storage {Printable.Quote(storage.Key)} has no record in the archive", path);
            long length = storage.Facts.Length;
            return length == record.Inflated
                ? record
                : throw Rules.StorageLengthMismatch.Broken(
                    $"the pickle gives storage {Printable.Quote(storage.Key)} {length} bytes, its record has {record.Inflated}",
                    path);
        }
    }

    public static Checkpoint Read(WholeFile file, FileBudget budget, CancellationToken cancellationToken)
    {
        string path = file.Path;
        var decoding = new FileDecoding();
        file.Decoding = decoding;
        Archive archive = Open(file, decoding, budget, cancellationToken);
        var builder = new CheckpointBuilder(path, CheckpointFormat.TorchZip, budget, archive.StorageCount);
        int home = builder.AddFile(file);
        new TorchContainer(
            builder,
            budget,
            storage =>
            {
                ref StorageFacts facts = ref storage.Facts;
                if (facts.Index < 0)
                {
                    ZipRecord record = archive.RecordOf(storage, path);
                    long offset = Decoded(decoding, record, path);
                    facts.Index = builder.AddStorage(
                        home,
                        archive.Swaps && record.Inflated > 0 ? Swapped(decoding, storage, offset, record, path) : offset,
                        record.Inflated);
                }
                return facts.Index;
            },
            archive.Objects).Add(archive.Root);
        return builder
            .Build()
            .WithFindings(
                archive.Directory.TailBytes == 0
                    ? []
                    : [FormattableString.Invariant($"white space follows the archive (in bytes: {archive.Directory.TailBytes})")]);
    }

    /// <summary>Reads the directory and the pickle of an archive that is neither compressed nor big-endian.</summary>
    /// <exception cref="MemLoadException">ML1005, ML1013, ML2xxx and ML3xxx.</exception>
    internal static Archive Open(FileRange file, FileBudget budget, CancellationToken cancellationToken) =>
        Open(file, null, budget, cancellationToken);

    private static Archive Open(FileRange file, FileDecoding? decoding, FileBudget budget, CancellationToken cancellationToken)
    {
        string path = file.Path;
        ZipDirectory directory = ZipDirectory.Read(file, budget, cancellationToken, allowsTail: decoding is not null);
        (string prefix, ZipRecord pickle) = FindPickle(directory.Records, path, decoding is not null);
        bool swaps = directory.Find(prefix, "/byteorder") is { } order && IsBigEndian(file, decoding, order);
        if (swaps && decoding is null)
        {
            throw Rules.ZipBigEndian.Broken("the archive states that its bytes are not little-endian", path);
        }
        long at = Decoded(decoding, pickle, path);
        var recalls = PickleRecalls.Of(file, at, pickle.Inflated, budget, cancellationToken);
        PickledObjects.Reading reading = decoding is null ? Read(null) : PickledObjects.Read(Read, budget);
        return new Archive(directory, prefix, reading.Root, reading.References.Count, swaps) { Objects = reading.Objects };

        PickledObjects.Reading Read(ObjectVocabulary? objects)
        {
            var references = new StorageReferences(budget, directory.Records.Count);
            using var input = new PickleInput(file, at, pickle.Inflated, budget);
            object? root = PickledObjects.Machine(input, references, recalls, objects).Load(cancellationToken);
            return input.Remaining == 0
                ? new PickledObjects.Reading(root, references, objects)
                : throw Rules.PickleMalformed.Broken($"{input.Remaining} bytes follow the end of the pickle", path, input.Position);
        }
    }

    // The offset at which the bytes of a record are read: in the file, or in the decoded range.
    private static long Decoded(FileDecoding? decoding, in ZipRecord record, string path) =>
        record.Deflated && decoding is not null ? decoding.AddDeflated(record, path) : record.Offset;

    // PyTorch swaps the bytes of each number, and of both parts of a complex one. A storage without a type has no numbers.
    private static long Swapped(FileDecoding decoding, Storage storage, long offset, in ZipRecord record, string path)
    {
        DType type = storage.Facts.DType
            ?? throw Rules.ZipBigEndian.Broken(
                $"the archive states that its bytes are big-endian, and storage {Printable.Quote(storage.Key)} has no type that "
                    + $"determines how to swap them",
                path,
                record.Offset);
        int unit = type.IsComplex() ? type.ElementSize() / 2 : type.ElementSize();
        return unit == 1 ? offset : decoding.AddSwapped(offset, record.Inflated, unit);
    }

    private static bool IsBigEndian(FileRange file, FileDecoding? decoding, in ZipRecord order)
    {
        byte[] word = new byte[Math.Min(order.Inflated, 16)];
        file.ReadExactly(Decoded(decoding, order, file.Path), word);
        return word.AsSpan().SequenceEqual("big"u8) || (word.AsSpan().SequenceEqual("little"u8) ? false
            : throw Rules.ZipBigEndian.Broken("the record 'byteorder' is neither little nor big", file.Path, order.Offset));
    }

    private static (string Prefix, ZipRecord Pickle) FindPickle(IReadOnlyList<ZipRecord> records, string path, bool inflates)
    {
        // A TorchScript program is refused first, because its compressed code would break another rule.
        ZipRecord? compressed = null;
        ZipRecord? pickle = null;
        int pickles = 0;
        foreach (ZipRecord record in records)
        {
            // Only a stem has a slash, so the names of storages need not be created.
            string stem = record.Stem;
            if (stem.Contains("/code/", StringComparison.Ordinal) || stem.EndsWith("/constants.pkl", StringComparison.Ordinal))
            {
                throw Rules.ZipTorchScript.Broken(
                    $"the file is a TorchScript program ({Printable.Quote(record.Name)}), not a state dict", path);
            }
            compressed ??= record.Compressed && !(inflates && record.Deflated) ? record : null;
            if (stem.EndsWith(PickleName, StringComparison.Ordinal)
                && stem.IndexOf('/', StringComparison.Ordinal) == stem.Length - PickleName.Length)
            {
                pickle = record;
                pickles++;
            }
        }
        if (compressed is { } packed)
        {
            throw Rules.ZipCompressed.Broken(
                $"the record {Printable.Quote(packed.Name)} is compressed{(inflates ? " by another method than deflate" : "")}",
                path,
                packed.Offset);
        }
        if (pickles != 1)
        {
            throw Rules.ZipNotTorch.Broken($"the archive has {pickles} records FOLDER/data.pkl; an archive of PyTorch has one", path);
        }
        // Its bytes are charged as headers, so a short record must not become a long pickle.
        if (pickle!.Value.Inflated > FreePickle + (PickleRatio * pickle.Value.Length))
        {
            throw Rules.ZipInflates.Broken(
                $"the pickle of {pickle.Value.Length} bytes states an inflated size of {pickle.Value.Inflated} bytes", path,
                pickle.Value.Offset);
        }
        string folder = pickle!.Value.Name[..^(PickleName.Length - 1)];
        foreach (ZipRecord record in records)
        {
            if (!record.Stem.StartsWith(folder, StringComparison.Ordinal))
            {
                throw Rules.ZipNameInvalid.Broken(
                    $"the record {Printable.Quote(record.Name)} is outside the archive's folder {Printable.Quote(folder[..^1])}", path);
            }
        }
        return (folder[..^1], pickle.Value);
    }
}
