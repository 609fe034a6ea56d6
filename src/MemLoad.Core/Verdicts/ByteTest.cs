using System.Buffers;
using System.IO.Hashing;
using System.Security.Cryptography;

namespace MemLoad;

/// <summary>
/// The part of a test that reads all bytes once. One pass hashes every tensor for the manifest and scans it for the deep test. If a tensor
/// is a whole record of an archive, the same pass computes the checksum of the record.
/// </summary>
internal sealed class ByteTest
{
    private const int PieceBytes = 1 << 20;
    private const int PageBytes = 4096;
    private const int NamesShown = 3;

    private readonly Checkpoint _checkpoint;
    private readonly WeightManifest? _manifest;
    private readonly IProgress<long>? _progress;
    private readonly CancellationToken _ct;
    private readonly ElementScan?[] _scans;
    private readonly ArchiveRecord[] _records;
    private readonly Dictionary<int, ArchiveRecord> _recordOfTensor = [];
    private long _done;

    /// <summary>
    /// Reads the directories of archives. <paramref name="progress"/> receives the bytes that will be read, and returns a callback for the
    /// bytes read. The names of the manifest were compared before.
    /// </summary>
    public ByteTest(Checkpoint checkpoint, bool deep, WeightManifest? manifest, Func<long, IProgress<long>>? progress, CancellationToken ct)
    {
        _checkpoint = checkpoint;
        _manifest = manifest;
        _ct = ct;
        _scans = deep ? [.. checkpoint.Tensors.Select(tensor => tensor.ElementCount == 0 ? null : new ElementScan(tensor.DType))] : [];
        _records =
            !deep ? []
            : checkpoint.Format == CheckpointFormat.Distributed ? [.. ChunkRecords()]
            : [.. checkpoint.Files.SelectMany(RecordsOf)];
        FindWholeRecords();
        _progress = progress?.Invoke(WeightsDigest.Saturated(
            checkpoint.Tensors.Select(BytesToRead).Concat(_records.Except(_recordOfTensor.Values).Select(record => record.Length))));
    }

    /// <summary>Returns the difference from the manifest (ML6111) after the tensors have been read. Null if there is none.</summary>
    public MemLoadException? Difference { get; private set; }

    /// <summary>Adds the findings of the tensors to a verdict.</summary>
    /// <exception cref="MemLoadException">The rules of reading.</exception>
    public WeightVerdict ReadTensors(WeightVerdict verdict)
    {
        string[] hashes = new string[_checkpoint.Tensors.Length];
        TensorWalk.Run(_checkpoint, (i, stream) => hashes[i] = Read(i, stream), null, _ct);
        if (_manifest is not null)
        {
            int[] differing = ManifestMatch.Differing(_manifest, _checkpoint.Tensors, hashes);
            Difference = differing.Length > 0 ? ManifestMatch.BytesDiffer(_checkpoint, differing) : null;
            verdict = verdict with
            {
                WeightsDigest = WeightsDigest.Of(WeightsDigest.Describe(_checkpoint, hashes)),
                DifferingTensorCount = differing.Length,
            };
        }
        if (_scans.Length == 0)
        {
            return verdict;
        }
        long tail = ZeroTails();
        return verdict with
        {
            NanCount = Count(scan => scan.Nans),
            InfCount = Count(scan => scan.Infs),
            ZeroTensorCount = Names(scan => scan.AllZero).Length,
            ConstantTensorCount = Names(IsConstant).Length,
            ZeroTailBytes = tail,
            Warning = Warning(verdict.Warning, tail),
        };
    }

    /// <summary>Adds the findings of the archive checksums to a verdict. Reads the records that are not whole tensors.</summary>
    /// <exception cref="MemLoadException">ML2016, and the rules of reading.</exception>
    public WeightVerdict VerifyRecords(WeightVerdict verdict)
    {
        var known = _recordOfTensor.Values.ToHashSet();
        foreach (ArchiveRecord record in _records)
        {
            if (!known.Contains(record))
            {
                Read(record);
            }
            uint computed = record.Checksum.GetCurrentHashAsUInt32();
            if (computed != record.Stated)
            {
                throw Rules.RecordChecksum.Broken(
                    $"the bytes of record {Printable.Quote(record.Name)} have the checksum {computed:x8}, the directory says "
                        + $"{record.Stated:x8}",
                    record.File.Path, record.Offset);
            }
        }
        return verdict with { VerifiedRecordCount = _records.Length };
    }

    // 0 means that no checksum was computed, which is an option of PyTorch.
    private IEnumerable<ArchiveRecord> RecordsOf(CheckpointFile home)
    {
        using CheckpointFileReader file = CheckpointFileReader.Reopen(home);
        return file.Length >= 4 && file.ReadBytes(0, 2).AsSpan().SequenceEqual("PK"u8)
            ?
            [
                .. ZipDirectory.Read(file, FileBudget.Alone(file.Path), _ct, allowsTail: true).Records
                    .Where(record => record.Crc != 0 && !record.Compressed) // inflating verifies the others
                    .Select(record => new ArchiveRecord(home, record.Name, record.Offset, record.Length, record.Crc)),
            ]
            : [];
    }

    // A data file of a distributed checkpoint has an archive per chunk. Its metadata says where they are.
    private IEnumerable<ArchiveRecord> ChunkRecords()
    {
        var homes = _checkpoint.Files.ToDictionary(file => file.Path, StringComparer.Ordinal);
        foreach ((string path, ZipRecord record) in DistributedReader.ChecksumsOf(_checkpoint.Path, _ct))
        {
            if (homes.TryGetValue(path, out CheckpointFile? home))
            {
                yield return new ArchiveRecord(home, record.Name, record.Offset, record.Length, record.Crc);
            }
        }
    }

    private void FindWholeRecords()
    {
        var waiting = _records.ToDictionary(record => (record.File.Path, record.Offset, record.Length));
        for (int i = 0; i < _checkpoint.Tensors.Length && waiting.Count > 0; i++)
        {
            TensorEntry tensor = _checkpoint.Tensors[i];
            Extent storage = _checkpoint.Storages[tensor.Storage];
            (string, long, long) place = (_checkpoint.Files[storage.File].Path, storage.Offset + tensor.ByteOffset, tensor.Bytes);
            if (tensor.IsContiguous && waiting.Remove(place, out ArchiveRecord? record))
            {
                _recordOfTensor.Add(i, record);
            }
        }
    }

    // One tensor: the SHA-256 of its elements for a manifest, and its scan and the checksum of its record for a deep test.
    private string Read(int index, TensorStream stream)
    {
        TensorEntry tensor = _checkpoint.Tensors[index];
        ElementScan? scan = _scans.Length > 0 ? _scans[index] : null;
        ArchiveRecord? record = _recordOfTensor.GetValueOrDefault(index);
        using IncrementalHash? hash = _manifest is null ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // An expanded dimension repeats its elements. The scan reads them once and multiplies the counts. A hash needs all of them.
        TensorEntry once = scan is null ? tensor : Once(tensor);
        long repeats = scan is null ? 1 : tensor.ElementCount / once.ElementCount;
        stream(once, piece =>
        {
            scan?.Add(piece);
            if (repeats == 1)
            {
                hash?.AppendData(piece);
            }
            record?.Checksum.Append(piece);
            Report(piece.Length);
        });
        if (scan is not null)
        {
            scan.Repeats = repeats;
        }
        if (repeats > 1 && hash is not null)
        {
            stream(tensor, piece =>
            {
                hash.AppendData(piece);
                Report(piece.Length);
            });
        }
        return hash is null ? "" : Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // The same order as in Read.
    private long BytesToRead(TensorEntry tensor)
    {
        bool scanned = _scans.Length > 0 && tensor.ElementCount > 0;
        long once = scanned ? Once(tensor).Bytes : tensor.Bytes;
        return scanned && once < tensor.Bytes && _manifest is not null ? WeightsDigest.Saturated([once, tensor.Bytes]) : once;
    }

    private static TensorEntry Once(TensorEntry tensor) =>
        tensor with { Shape = [.. tensor.Shape.Select((dimension, i) => tensor.Strides[i] == 0 ? 1 : dimension)] };

    private void Read(ArchiveRecord record)
    {
        using CheckpointFileReader file = CheckpointFileReader.Reopen(record.File);
        file.Stream(record.Offset, record.Length, piece =>
        {
            record.Checksum.Append(piece);
            Report(piece.Length);
        }, _ct);
        file.RequireUnchanged();
    }

    private long Count(Func<ElementScan, long> count) => _scans.Sum(scan => scan is null ? 0 : count(scan) * scan.Repeats);

    private string[] Names(Func<ElementScan, bool> which) =>
        [.. _checkpoint.Tensors.Where((_, i) => _scans[i] is ElementScan scan && which(scan)).Select(tensor => tensor.Name)];

    private static bool IsConstant(ElementScan scan) => scan.AllEqual && !scan.AllZero && scan.Elements > 1;

    private long ZeroTails()
    {
        // The range of each file with weights, from one pass over the storages.
        (long Start, long End)[] weights = [.. Enumerable.Repeat((long.MaxValue, 0L), _checkpoint.Files.Length)];
        foreach (Extent storage in _checkpoint.Pieces.Where(storage => storage.Length > 0))
        {
            (long start, long end) = weights[storage.File];
            weights[storage.File] = (Math.Min(start, storage.Offset), Math.Max(end, storage.Offset + storage.Length));
        }
        // Decoded ranges have no pages in the file.
        return weights.Select((part, i) => part.End == 0 || FileDecoding.Holds(part.Start) ? 0 : ZeroTail(i, part.Start, part.End)).Sum();
    }

    // Whole zero pages before the end of the last weights in a file, aligned as in the file system.
    private long ZeroTail(int index, long start, long end)
    {
        using CheckpointFileReader file = CheckpointFileReader.Reopen(_checkpoint.Files[index]);
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            long at = end;
            while (at > start)
            {
                _ct.ThrowIfCancellationRequested();
                Span<byte> part = piece.AsSpan(0, (int)Math.Min(PieceBytes, at - start));
                file.ReadExactly(at - part.Length, part);
                int last = part.LastIndexOfAnyExcept((byte)0);
                if (last >= 0)
                {
                    at -= part.Length - last - 1;
                    break;
                }
                at -= part.Length;
            }
            // Starts at the first page boundary in the zeros.
            long firstPage = (at + PageBytes - 1) / PageBytes * PageBytes;
            long zeros = end - firstPage;
            file.RequireUnchanged();
            return zeros >= PageBytes ? zeros : 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private string? Warning(string? before, long tail)
    {
        string[] parts =
        [
            .. before is null ? Array.Empty<string>() : [before],
            .. Part(Names(scan => scan.Nans + scan.Infs > 0), "with NaN or Inf"),
            .. Part(Names(scan => scan.AllZero), "all zero"),
            .. Part(Names(IsConstant), "all the same"),
            .. tail > 0 ? [$"the weights end in {tail} zero bytes, as after a truncation that was filled up"] : Array.Empty<string>(),
        ];
        return parts.Length == 0 ? null : string.Join("; ", parts);

        static IEnumerable<string> Part(string[] names, string what)
        {
            if (names.Length > 0)
            {
                yield return $"{names.Length} {(names.Length == 1 ? "tensor" : "tensors")} {what}: {Printable.List(names, NamesShown)}";
            }
        }
    }

    private void Report(long bytes)
    {
        long done = Interlocked.Add(ref _done, bytes);
        _progress?.Report(done);
    }

    /// <summary>A record of an archive with its stated checksum and the computed checksum of its bytes.</summary>
    private sealed class ArchiveRecord(CheckpointFile file, string name, long offset, long length, uint stated)
    {
        public CheckpointFile File => file;
        public string Name => name;
        public long Offset => offset;
        public long Length => length;
        public uint Stated => stated;
        public Crc32 Checksum { get; } = new();
    }
}
