using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace MemLoad;

/// <summary>
/// Writes the zip format of PyTorch as <c>torch.save</c> of 2.6 does: data.pkl, byteorder, data/0 …, version, .data/serialization_id. Each
/// record is aligned to 64 bytes, so that <c>torch.load(weights_only=True, mmap=True)</c> accepts the file.
/// </summary>
internal sealed class TorchZipWriter : CheckpointFileWriter
{
    private const int SerializationIdDigits = 40;
    private const int LongestStem = 100;
    private const string SerializationIdName = ".data/serialization_id";
    private const string AnyStem = "archive"; // the name that PyTorch uses for files without a valid name

    private readonly string _prefix;
    private readonly byte[] _pickle;
    private readonly ImmutableArray<StoredBytes> _storages;

    private TorchZipWriter(string fileName, byte[] pickle, ImmutableArray<StoredBytes> storages)
    {
        _prefix = ArchiveName(fileName) + "/";
        _pickle = pickle;
        _storages = storages;
        Length = ZipLayout.TotalBytes(Records().Select(record => (_prefix + record.Name, record.Bytes.Length)));
    }

    public override long Length { get; }

    /// <summary>
    /// Creates a file with all tensors of a source. Storages stay shared and views stay views. A single tensor without a name becomes a
    /// bare tensor.
    /// </summary>
    public static TorchZipWriter ForStateDict(IWeightSource source, string fileName)
    {
        var storages = new TorchStorages(source);
        byte[] pickle = source.Tensors is [{ Name: "" } bare]
            ? TorchPickle.BareTensor(bare with { ElementOffset = storages.OffsetOf(0) }, storages.Storages[0])
            : TorchPickle.StateDict(source, storages);
        return new TorchZipWriter(fileName, pickle, [.. storages.Storages.Select(storages.Bytes)]);
    }

    /// <summary>Creates a file with one bare tensor, contiguous in its own storage.</summary>
    public static TorchZipWriter ForTensor(IWeightSource source, TensorEntry tensor, string fileName)
    {
        DType? dtype = TorchStorageClass.Of(tensor.DType) is null ? null : tensor.DType;
        var contiguous = new TensorEntry(tensor.Name, tensor.DType, tensor.Shape, ShapeMath.ContiguousStrides(tensor.Shape), 0, 0);
        byte[] pickle = TorchPickle.BareTensor(contiguous, new TorchStorage(0, 0, tensor.Bytes, dtype));
        return new TorchZipWriter(fileName, pickle, [StoredBytes.Of(source, tensor)]);
    }

    public override void Write(FileAppender output)
    {
        var archive = new ZipArchiveWriter(output);
        using var content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> sum = stackalloc byte[4];
        foreach ((string name, StoredBytes bytes) in Records())
        {
            StoredBytes what = name == SerializationIdName ? StoredBytes.Of(SerializationId(content)) : bytes;
            BinaryPrimitives.WriteUInt32LittleEndian(sum, archive.Add(_prefix + name, what));
            content.AppendData(sum);
        }
        archive.Finish();
    }

    /// <summary>The folder in the archive: the file name without its last extension, as in PyTorch, if that name is safe.</summary>
    internal static string ArchiveName(string fileName)
    {
        int dot = fileName.LastIndexOf('.');
        string stem = dot < 0 ? fileName : fileName[..dot];
        bool harmless = stem.Length is > 0 and <= LongestStem && stem is not ("." or "..") && stem == stem.Trim()
            && stem.All(character => character is >= ' ' and <= '~' and not ('/' or '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|'));
        return harmless ? stem : AnyStem;
    }

    private IEnumerable<(string Name, StoredBytes Bytes)> Records()
    {
        yield return ("data.pkl", StoredBytes.Of(_pickle));
        yield return ("byteorder", StoredBytes.Of("little"u8.ToArray()));
        for (int i = 0; i < _storages.Length; i++)
        {
            yield return (string.Create(CultureInfo.InvariantCulture, $"data/{i}"), _storages[i]);
        }
        yield return ("version", StoredBytes.Of("3\n"u8.ToArray()));
        yield return (SerializationIdName, StoredBytes.Of(new byte[SerializationIdDigits]));
    }

    // Half of this id is random in PyTorch. Here the checksums of all records determine it, so equal content gives equal files.
    private static byte[] SerializationId(IncrementalHash content)
    {
        var number = new BigInteger(content.GetHashAndReset(), isUnsigned: true);
        string digits = (number % BigInteger.Pow(10, SerializationIdDigits)).ToString(CultureInfo.InvariantCulture);
        return Encoding.ASCII.GetBytes(digits.PadLeft(SerializationIdDigits, '0'));
    }
}
