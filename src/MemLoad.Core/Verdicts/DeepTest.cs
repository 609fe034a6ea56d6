using System.Buffers;

namespace MemLoad;

/// <summary>The part of a test that reads everything: checksums of archives first, because they say what the weights cannot, then the tensors.</summary>
internal sealed class DeepTest(Checkpoint checkpoint, IProgress<long>? progress, CancellationToken ct)
{
    private const int PieceBytes = 1 << 20;
    private const int PageBytes = 4096;
    private const int NamesShown = 3;

    private readonly List<string> _nonFinite = [];
    private readonly List<string> _zero = [];
    private readonly List<string> _constant = [];
    private long _done;
    private long _nans;
    private long _infs;

    /// <summary>The bytes that a deep test reads, about: every file for its checksums, and every tensor.</summary>
    public static long TotalBytes(Checkpoint checkpoint) => checkpoint.FileBytes + checkpoint.ModelBytes;

    /// <summary>Adds to a verdict what the bytes say.</summary>
    /// <exception cref="MemLoadException">ML2016, and whatever reading breaks.</exception>
    public WeightVerdict Run(WeightVerdict verdict)
    {
        long records = 0;
        foreach (CheckpointFile file in checkpoint.Files)
        {
            records += VerifyRecords(file);
        }
        foreach (TensorEntry tensor in checkpoint.Tensors)
        {
            Scan(tensor);
        }
        long tail = checkpoint.Files.Select((_, i) => ZeroTail(i)).Sum();
        return verdict with
        {
            VerifiedRecordCount = records,
            NanCount = _nans,
            InfCount = _infs,
            ZeroTensorCount = _zero.Count,
            ConstantTensorCount = _constant.Count,
            ZeroTailBytes = tail,
            Warning = Warning(tail),
        };
    }

    private long VerifyRecords(CheckpointFile home)
    {
        using CheckpointFileReader file = CheckpointFileReader.Reopen(home);
        if (file.Length < 4 || !file.ReadBytes(0, 2).AsSpan().SequenceEqual("PK"u8))
        {
            Report(file.Length);
            return 0;
        }
        long verified = 0;
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            // 0 says that no checksum was computed, which PyTorch leaves to its user.
            foreach (ZipRecord record in ZipDirectory.Read(file, ct).Where(record => record.Crc != 0))
            {
                uint crc = 0;
                for (long read = 0; read < record.Length;)
                {
                    ct.ThrowIfCancellationRequested();
                    Span<byte> part = piece.AsSpan(0, (int)Math.Min(PieceBytes, record.Length - read));
                    file.ReadExactly(record.Offset + read, part);
                    crc = Crc32.Append(crc, part);
                    read += part.Length;
                    Report(part.Length);
                }
                if (crc != record.Crc)
                {
                    throw Rules.RecordChecksum.Broken(
                        $"the bytes of record {Printable.Quote(record.Name)} have the checksum {crc:x8}, the directory says {record.Crc:x8}", home.Path, record.Offset);
                }
                verified++;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
        return verified;
    }

    private void Scan(TensorEntry tensor)
    {
        if (tensor.ElementCount == 0)
        {
            return;
        }
        // An expanded dimension repeats its elements: looking at them once is enough, counting them is multiplying.
        TensorEntry once = tensor with { Shape = [.. tensor.Shape.Select((dimension, i) => tensor.Strides[i] == 0 ? 1 : dimension)] };
        long repeats = tensor.ElementCount / once.ElementCount;
        var scan = new ElementScan(tensor.DType);
        checkpoint.StreamElements(once, piece =>
        {
            ct.ThrowIfCancellationRequested();
            scan.Add(piece);
            Report(piece.Length);
        });
        _nans += scan.Nans * repeats;
        _infs += scan.Infs * repeats;
        if (scan.Nans + scan.Infs > 0)
        {
            _nonFinite.Add(tensor.Name);
        }
        if (scan.AllZero)
        {
            _zero.Add(tensor.Name);
        }
        else if (scan.AllEqual && once.ElementCount > 1)
        {
            _constant.Add(tensor.Name);
        }
    }

    // Whole zero pages before the end of the last bytes of weights in a file, as the file system lays pages.
    private long ZeroTail(int index)
    {
        Extent[] storages = [.. checkpoint.Storages.Where(storage => storage.File == index && storage.Length > 0)];
        if (storages.Length == 0)
        {
            return 0;
        }
        long end = storages.Max(storage => storage.Offset + storage.Length);
        long start = storages.Min(storage => storage.Offset);
        using CheckpointFileReader file = CheckpointFileReader.Reopen(checkpoint.Files[index]);
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            long at = end;
            while (at > start)
            {
                ct.ThrowIfCancellationRequested();
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
            // From the first page boundary in the zeros.
            long firstPage = (at + PageBytes - 1) / PageBytes * PageBytes;
            long zeros = end - firstPage;
            return zeros >= PageBytes ? zeros : 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private string? Warning(long tail)
    {
        string[] parts =
        [
            .. Part(_nonFinite, "with NaN or Inf"),
            .. Part(_zero, "all zero"),
            .. Part(_constant, "all the same"),
            .. tail > 0 ? [$"the weights end in {tail} zero bytes, as after a truncation that was filled up"] : Array.Empty<string>(),
        ];
        return parts.Length == 0 ? null : string.Join("; ", parts);

        static IEnumerable<string> Part(List<string> names, string what)
        {
            if (names.Count > 0)
            {
                string more = names.Count > NamesShown ? $" and {names.Count - NamesShown} more" : "";
                yield return $"{names.Count} {(names.Count == 1 ? "tensor" : "tensors")} {what}: {string.Join(", ", names.Take(NamesShown).Select(Printable.Quote))}{more}";
            }
        }
    }

    private void Report(long bytes)
    {
        _done += bytes;
        progress?.Report(_done);
    }
}
