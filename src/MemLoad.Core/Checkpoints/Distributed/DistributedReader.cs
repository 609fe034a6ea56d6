using System.Collections.Concurrent;

namespace MemLoad;

/// <summary>
/// Reads a distributed checkpoint of PyTorch. The <c>.metadata</c> file of a folder lists the tensors and their chunks. It states in which
/// record of which data file each chunk is. No part of it is executed. A record is an archive of <c>torch.save</c>. Its tensor must be the
/// chunk that the metadata describes.
/// </summary>
/// <remarks>Facts: torch/distributed/checkpoint (metadata.py, filesystem.py, default_planner.py), PyTorch 1.13 to 2.9.</remarks>
internal static class DistributedReader
{
    /// <summary>The file that describes the checkpoint.</summary>
    public const string MetadataName = FolderListing.DistributedMetadata;

    private const string Strided = "torch.strided";
    private const int MostNamed = 3;

    // Bytes of a tensor and of a chunk until the checkpoint is built.
    private const int EntryOverhead = 120;
    private const int ChunkOverhead = 240;

    /// <summary>A tensor that the metadata describes.</summary>
    private sealed record Entry(string Name, DType DType, ImmutableArray<long> Shape, Chunk[] Chunks)
    {
        public long Elements { get; } = ShapeMath.ElementCount(Shape);
    }

    /// <summary>A chunk of a tensor. After its record has been read, it also has the tensor of the record.</summary>
    private sealed class Chunk(ChunkBox box)
    {
        public ChunkBox Box => box;

        public int File { get; set; }

        /// <summary>The storage in the file. The tensor of the record is a view of it.</summary>
        public Extent Storage { get; set; }

        public TensorReference? Tensor { get; set; }
    }

    /// <summary>A record of a data file. An object that is not a tensor has no chunk.</summary>
    private readonly record struct Record(string Name, long Offset, long Length, Entry? Entry, Chunk? Chunk);

    /// <summary>Whether a folder is a distributed checkpoint, or has the remaining files of one.</summary>
    public static bool IsIn(string folder)
    {
        try
        {
            string metadata = Path.Combine(folder, MetadataName);
            if (File.Exists(metadata))
            {
                using CheckpointFileReader file = CheckpointFileReader.Open(metadata);
                if (file.Length > 1 && file.ReadBytes(0, 2) is [0x80, >= 2 and <= 5])
                {
                    return true; // programs of other kinds have a .metadata file of text
                }
            }
            return Directory.EnumerateFiles(folder).Any(path => FolderNames.IsDistributed(path));
        }
        catch (Exception e) when (e is MemLoadException or IOException or UnauthorizedAccessException)
        {
            return false; // the reader of folders reports it
        }
    }

    /// <summary>
    /// Returns the records of the archives of all chunks that have a checksum: data file, and the record with its offset in that file.
    /// </summary>
    /// <exception cref="MemLoadException">As <see cref="Read"/>.</exception>
    public static IReadOnlyCollection<(string File, ZipRecord Record)> ChecksumsOf(string folder, CancellationToken ct)
    {
        var found = new ConcurrentBag<(string, ZipRecord)>();
        Read(folder, new Opening(new OpenBudget(OpenLimits.FromEnvironment()), null, ct), (file, record) => found.Add((file, record)));
        return found;
    }

    /// <summary>Opens a folder, and passes the records that <see cref="ChecksumsOf"/> returns to a callback.</summary>
    /// <exception cref="MemLoadException">ML1003 to ML1013, ML2xxx, ML3xxx, ML5101 to ML5113, ML6001 to ML6014.</exception>
    public static Checkpoint Read(string folder, Opening opening, Action<string, ZipRecord>? checksums = null)
    {
        CancellationToken ct = opening.Stop;
        string path = Path.Combine(folder, MetadataName);
        if (!File.Exists(path))
        {
            throw Rules.DistributedUnfinished.Broken(File.Exists(path + ".tmp")
                ? "the folder has .distcp files and .metadata.tmp instead of .metadata: the save was not finished"
                : "the folder has .distcp files but no .metadata: the save was not finished, or the copy is not complete", folder);
        }
        FileBudget own = opening.Budget.OfFile(path);
        CheckpointMetadata metadata = ReadMetadata(own, ct);
        var builder = new CheckpointBuilder(folder, CheckpointFormat.Distributed, own, metadata.StateDict!.Items.Count);
        List<Entry> entries = Describe(metadata.StateDict, own, ct);
        OrderedDictionary<string, List<Record>> records = Place(entries, metadata, builder, own, ct);
        own.Settle();

        CheckpointFile[] opened = ShardFiles.OpenAll(records.Count, (i, stop) =>
        {
            (string name, List<Record> list) = records.GetAt(i);
            return ReadFile(Path.Combine(folder, name), list, path, opening with { Stop = stop }, checksums);
        }, ct);
        foreach (CheckpointFile file in opened)
        {
            builder.AddFile(file);
        }
        foreach (Entry entry in entries)
        {
            ct.ThrowIfCancellationRequested();
            Add(builder, entry, path);
        }
        own.Settle();
        return builder.Build();
    }

    private static CheckpointMetadata ReadMetadata(FileBudget budget, CancellationToken ct)
    {
        string path = budget.Path;
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        if (file.Length == 0)
        {
            throw Rules.FileEmpty.Broken("the file has no bytes", path);
        }
        LfsPointer.Refuse(file, path);
        // The records that it names also have headers, which are read later.
        budget.Grant(file.Length);
        var recalls = PickleRecalls.Of(file, 0, file.Length, budget, ct);
        using var input = new PickleInput(file, 0, file.Length, budget);
        object? root = new PickleMachine(input, _ => throw NoStorage(), recalls, new MetadataVocabulary(budget)).Load(ct);
        if (input.Remaining > 0)
        {
            throw Rules.PickleMalformed.Broken($"{input.Remaining} bytes follow the end of the pickle", path, input.Position);
        }
        return root is CheckpointMetadata { IsBuilt: true } metadata ? metadata : throw Form("the metadata is not a Metadata object", path);

        MemLoadException NoStorage() => Form("the metadata refers to a storage", path);
    }

    private static List<Entry> Describe(PickleDict stateDict, FileBudget budget, CancellationToken ct)
    {
        if (!stateDict.HasTextKeysOnly)
        {
            throw Form("a name of state_dict_metadata is not a string", budget.Path);
        }
        var entries = new List<Entry>();
        foreach ((string name, object? value) in stateDict.Items)
        {
            ct.ThrowIfCancellationRequested();
            switch (value)
            {
                case BytesMetadata:
                    break;
                case TensorMetadata { IsBuilt: true } tensor:
                    budget.Spend(EntryOverhead);
                    entries.Add(Describe(name, tensor, budget));
                    break;
                default:
                    throw Form($"{Printable.Quote(name)} is neither a tensor nor bytes", budget.Path);
            }
        }
        return entries;
    }

    private static Entry Describe(string name, TensorMetadata tensor, FileBudget budget)
    {
        if (tensor.Properties!.Layout != Strided)
        {
            throw Rules.TensorKind.Broken($"tensor {Printable.Quote(name)} has the layout {tensor.Properties.Layout}", budget.Path);
        }
        ImmutableArray<long> shape = Numbers(tensor.Size!, budget);
        ReadOnlySpan<object?> items = tensor.Chunks!.Items;
        budget.Spend((long)ChunkOverhead * items.Length);
        var chunks = new Chunk[items.Length];
        for (int i = 0; i < chunks.Length; i++)
        {
            chunks[i] = items[i] is ChunkMetadata { IsBuilt: true } chunk
                ? new Chunk(new ChunkBox(Numbers(chunk.Offsets!, budget), Numbers(chunk.Sizes!, budget)))
                : throw Form($"the chunks of {Printable.Quote(name)} are not ChunkStorageMetadata objects", budget.Path);
        }
        try
        {
            // The bytes, too, must fit 64 bits before anything is computed with them.
            _ = ShapeMath.ViewEnd(tensor.Properties.DType, shape, ShapeMath.ContiguousStrides(shape), 0);
        }
        catch (OverflowException e)
        {
            throw Rules.ShapeInvalid.Broken(
                $"tensor {Printable.Quote(name)} has the shape ({string.Join(", ", shape)})", budget.Path, innerException: e);
        }
        if (chunks.Length == 0)
        {
            throw Rules.DistributedGap.Broken($"tensor {Printable.Quote(name)} has no chunks", budget.Path);
        }
        ChunkTiling.Check(name, shape, [.. chunks.Select(chunk => chunk.Box)], budget);
        return new Entry(name, tensor.Properties.DType, shape, chunks);
    }

    // Finds the record of each chunk and of each object, by data file, in the order of the tensors.
    private static OrderedDictionary<string, List<Record>> Place(
        List<Entry> entries, CheckpointMetadata metadata, CheckpointBuilder builder, FileBudget budget, CancellationToken ct)
    {
        PickleDict places = metadata.StorageData!;
        if (!places.HasNoTextKeys)
        {
            throw Form("a key of storage_data is not a MetadataIndex", budget.Path);
        }
        int used = 0;
        var records = new OrderedDictionary<string, List<Record>>(StringComparer.Ordinal);
        foreach (Entry entry in entries)
        {
            ct.ThrowIfCancellationRequested();
            var tensor = (TensorMetadata)metadata.StateDict!.Get(entry.Name)!;
            for (int i = 0; i < entry.Chunks.Length; i++)
            {
                Chunk chunk = entry.Chunks[i];
                object? found = Find(entry.Name, ((ChunkMetadata)tensor.Chunks!.Items[i]!).Offsets);
                // Ranks that have no elements of a tensor have chunks at one place, and one record.
                if (found is RecordPlace { IsUsed: true } && chunk.Box.IsEmpty)
                {
                    continue;
                }
                if (found is null or RecordPlace { IsUsed: true })
                {
                    throw Rules.DistributedRecord.Broken(
                        $"the chunk at ({string.Join(", ", chunk.Box.Offsets)}) of tensor {Printable.Quote(entry.Name)} has no record of "
                        + "its own", budget.Path);
                }
                Add(entry.Name, found, entry, chunk);
            }
        }
        foreach ((string name, object? value) in metadata.StateDict!.Items)
        {
            if (value is BytesMetadata)
            {
                object found = Find(name, null)
                    ?? throw Rules.DistributedRecord.Broken($"the object {Printable.Quote(name)} has no record", budget.Path);
                long length = Add(name, found, null, null);
                budget.Spend(FileBudget.Text(32));
                builder.AddMetadata(name, FormattableString.Invariant($"bytes[{length}]"));
            }
        }
        return used == places.Items.Count ? records : throw Rules.DistributedRecord.Broken(
            $"{places.Items.Count - used} records do not belong to a chunk: "
            + string.Join(", ", places.Items.Where(item => item.Value is not RecordPlace { IsUsed: true }).Take(MostNamed)
                .Select(item => Printable.Quote(item.Key))), budget.Path);

        object? Find(string name, PickleSequence? offsets)
        {
            string identity = RecordIndex.IdentityOf(name, offsets, budget);
            budget.Spend(-FileBudget.Text(identity.Length)); // it is not kept
            return places.Get(identity);
        }

        long Add(string name, object? value, Entry? entry, Chunk? chunk)
        {
            if (value is not RecordPlace { IsBuilt: true } place)
            {
                throw Form($"the record of {Printable.Quote(name)} is not a _StorageInfo", budget.Path);
            }
            place.IsUsed = true;
            used++;
            if (place.IsTransformed)
            {
                throw Rules.DistributedTransformed.Broken($"the record of {Printable.Quote(name)} is transformed", budget.Path);
            }
            if (!FolderNames.IsPlain(place.File))
            {
                throw Rules.DistributedFileName.Broken(
                    $"the record of {Printable.Quote(name)} is in {Printable.Quote(place.File)}, which is not a plain file name",
                    budget.Path);
            }
            budget.Spend(FileBudget.Hashing(place.File.Length));
            if (!records.TryGetValue(place.File, out List<Record>? list))
            {
                budget.Spend(FileBudget.GrowingEntry + 64);
                records.Add(place.File, list = []);
            }
            if (chunk is not null)
            {
                chunk.File = records.IndexOf(place.File);
            }
            list.Add(new Record(name, place.Offset, place.Length, entry, chunk));
            return place.Length;
        }
    }

    private static CheckpointFile ReadFile(
        string path, List<Record> records, string metadataPath, Opening opening, Action<string, ZipRecord>? checksums)
    {
        if (!File.Exists(path))
        {
            throw Rules.DistributedFileMissing.Broken(
                $"{Printable.Quote(Path.GetFileName(path))} is not in the folder; it has {records.Count} records, among them "
                    + $"{Printable.Quote(records[0].Name)}",
                metadataPath);
        }
        FileBudget budget = opening.Budget.OfFile(path);
        CheckpointFileReader file = CheckpointFileReader.Open(path);
        try
        {
            records.Sort((one, other) => one.Offset.CompareTo(other.Offset));
            long end = 0;
            foreach (Record record in records)
            {
                opening.Stop.ThrowIfCancellationRequested();
                if (record.Offset < end)
                {
                    throw Rules.DistributedRecordOverlap.Broken(
                        $"the record of {Printable.Quote(record.Name)} begins inside the previous record, which ends at byte {end}", path,
                        record.Offset);
                }
                if (record.Offset > file.Length - record.Length)
                {
                    LfsPointer.Refuse(file, path);
                    throw Rules.FileTruncated.Broken(
                        $"the file has {file.Length} bytes, and the record of {Printable.Quote(record.Name)} has {record.Length} from byte "
                        + $"{record.Offset} on", path, Math.Min(record.Offset, file.Length));
                }
                end = record.Offset + record.Length;
                if (record is { Entry: Entry entry, Chunk: Chunk chunk })
                {
                    ReadRecord(file, record, entry, chunk, budget, checksums, opening.Stop);
                }
            }
            budget.Settle();
            return file.Described;
        }
        finally
        {
            CheckpointFileSet.KeepOrClose(opening.Files, file);
        }
    }

    private static void ReadRecord(
        CheckpointFileReader file, in Record record, Entry entry, Chunk chunk, FileBudget budget, Action<string, ZipRecord>? checksums,
        CancellationToken ct)
    {
        try
        {
            TorchZipReader.Archive archive = TorchZipReader.Open(new FileRecord(file, record.Offset, record.Length), budget, ct);
            if (archive.Root is not TensorReference tensor)
            {
                throw Rules.DistributedContent.Broken($"the record of {Printable.Quote(record.Name)} contains no tensor", file.Path, 0);
            }
            if (tensor.DType != entry.DType || !tensor.Shape.AsSpan().SequenceEqual(chunk.Box.Sizes.AsSpan()))
            {
                throw Rules.DistributedContent.Broken(
                    $"the record of {Printable.Quote(record.Name)} contains {tensor.DType.TorchName()} ({string.Join(", ", tensor.Shape)}) "
                    + $"and the metadata states {entry.DType.TorchName()} ({string.Join(", ", chunk.Box.Sizes)})", file.Path, 0);
            }
            ZipRecord storage = archive.RecordOf(tensor.Storage, file.Path);
            CheckView(tensor, storage, record.Name, file.Path);
            chunk.Storage = new Extent(chunk.File, record.Offset + storage.Offset, storage.Length);
            chunk.Tensor = tensor;
            foreach (ZipRecord one in checksums is null ? [] : archive.Directory.Records.Where(one => one.Crc != 0))
            {
                checksums!(file.Path, one with { Offset = record.Offset + one.Offset });
            }
        }
        catch (MemLoadException e) when (e.Offset is long at && e.Rule != Rules.ReadFailed && e.Rule != Rules.FileChanged)
        {
            // The reader of archives counts from the start of the record.
            throw e.Rule.Broken(e.Finding, file.Path, record.Offset + at, e.InnerException, e.Remedy);
        }
    }

    private static void CheckView(TensorReference tensor, ZipRecord storage, string name, string path)
    {
        try
        {
            long end = ShapeMath.ViewEnd(tensor.DType, tensor.Shape, tensor.Strides, tensor.Offset);
            if (!tensor.Shape.Contains(0) && end > storage.Length)
            {
                throw Rules.ViewOutsideStorage.Broken(
                    $"the chunk of tensor {Printable.Quote(name)} ends at byte {end} of a storage of {storage.Length} bytes", path,
                    storage.Offset);
            }
        }
        catch (OverflowException e)
        {
            throw Rules.ShapeInvalid.Broken(
                $"the chunk of tensor {Printable.Quote(name)} has shape ({string.Join(", ", tensor.Shape)}), strides "
                + $"({string.Join(", ", tensor.Strides)}) and offset {tensor.Offset}", path, 0, e);
        }
    }

    private static void Add(CheckpointBuilder builder, Entry entry, string path)
    {
        Chunk[] filled = [.. entry.Chunks.Where(chunk => !chunk.Box.IsEmpty)];
        if (entry.Elements == 0)
        {
            Extent empty = entry.Chunks[0].Storage;
            int none = builder.AddStorage(entry.Chunks[0].File, empty.Offset, 0);
            builder.AddTensor(new TensorEntry(entry.Name, entry.DType, entry.Shape, ShapeMath.ContiguousStrides(entry.Shape), none, 0));
            return;
        }
        if (filled is [Chunk { Tensor: TensorReference whole } only] && only.Box.IsWhole(entry.Shape))
        {
            int storage = builder.AddStorage(only.File, only.Storage.Offset, only.Storage.Length);
            builder.AddTensor(new TensorEntry(entry.Name, entry.DType, whole.Shape, whole.Strides, storage, whole.Offset, whole.LazyView));
            return;
        }
        int size = entry.DType.ElementSize();
        StorageChunk[] chunks = [.. filled.Select(chunk =>
        {
            TensorReference tensor = chunk.Tensor!;
            return tensor.LazyView == LazyView.None && ShapeMath.IsContiguous(tensor.Shape, tensor.Strides)
                ? StorageChunk.OfBox(
                    chunk.File, chunk.Storage.Offset + (tensor.Offset * size), size, entry.Shape, chunk.Box)
                : throw Rules.DistributedStrides.Broken(
                    $"the chunk at ({string.Join(", ", chunk.Box.Offsets)}) of tensor {Printable.Quote(entry.Name)} is not contiguous: its "
                    + $"strides are ({string.Join(", ", tensor.Strides)})", path);
        }).OrderBy(chunk => chunk.Start)];
        builder.AddTensor(new TensorEntry(
            entry.Name, entry.DType, entry.Shape, ShapeMath.ContiguousStrides(entry.Shape), builder.AddStorage([.. chunks]), 0));
    }

    private static ImmutableArray<long> Numbers(PickleSequence size, FileBudget budget)
    {
        budget.Spend(32 + (sizeof(long) * size.Count));
        var numbers = ImmutableArray.CreateBuilder<long>(size.Count);
        foreach (object? item in size.Items)
        {
            numbers.Add((long)item!);
        }
        return numbers.MoveToImmutable();
    }

    private static MemLoadException Form(string finding, string path) => Rules.DistributedForm.Broken(finding, path);
}
