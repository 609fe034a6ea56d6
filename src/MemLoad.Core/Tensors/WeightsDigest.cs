using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace MemLoad;

/// <summary>
/// One digest for all weights: SHA-256 of the lines <c>name TAB dtype TAB shape TAB sha256 LF</c>, sorted by name in code point order. The
/// shape is <c>1,2,3</c>. The sha256 is lowercase hex of the elements as contiguous little-endian row-major bytes. Equal weights have equal
/// digests for every format, strategy and device.
/// </summary>
public static class WeightsDigest
{
    /// <summary>Computes the digest. Reads every tensor once, several at a time.</summary>
    /// <returns>Lowercase hex.</returns>
    public static string Of(IWeightSource source, CancellationToken cancellationToken = default) =>
        Of(Describe(source, OfTensors(source, cancellationToken: cancellationToken)));

    /// <summary>Computes the digest from the digests of the tensors.</summary>
    /// <returns>Lowercase hex.</returns>
    public static string Of(IEnumerable<TensorDigest> tensors)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var line = new ArrayBufferWriter<byte>();
        foreach (TensorDigest tensor in Sorted(tensors))
        {
            line.ResetWrittenCount();
            Encoding.UTF8.GetBytes(tensor.Name, line);
            Encoding.UTF8.GetBytes($"\t{tensor.DType.TorchName()}\t{string.Join(',', tensor.Shape)}\t", line);
            Encoding.UTF8.GetBytes(tensor.Sha256, line);
            line.Write("\n"u8);
            digest.AppendData(line.WrittenSpan);
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    /// <summary>
    /// The bytes that <see cref="OfTensors"/> hashes. Views that share or repeat elements count in full, so the number can be far above the
    /// bytes of the files.
    /// </summary>
    /// <param name="source">The weights.</param>
    public static long BytesToHash(IWeightSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Saturated(source.Tensors.Select(tensor => tensor.Bytes));
    }

    /// <summary>Checks whether loads of one checkpoint gave the same weights.</summary>
    /// <param name="digests">The digest of each load. Null for a load without a digest.</param>
    /// <param name="path">The checkpoint.</param>
    /// <returns>ML8002 if they differ, otherwise null.</returns>
    public static MemLoadException? Disagreement(IEnumerable<string?> digests, string? path)
    {
        int count = digests.OfType<string>().Distinct(StringComparer.Ordinal).Count();
        return count > 1 ? Rules.DigestsDiffer.Broken($"the loads of one checkpoint gave {count} different weights", path) : null;
    }

    /// <summary>A sum that is limited to the largest number.</summary>
    internal static long Saturated(IEnumerable<long> numbers) =>
        numbers.Aggregate(0L, (sum, number) => sum > long.MaxValue - number ? long.MaxValue : sum + number);

    /// <summary>SHA-256 of each tensor's elements as contiguous little-endian row-major bytes, several tensors at a time.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="bytesHashed">Receives the number of hashed bytes, of <see cref="BytesToHash"/>, from several threads.</param>
    /// <param name="cancellationToken">Stops the method within one MiB.</param>
    /// <returns>Lowercase hex, in the order of <see cref="IWeightSource.Tensors"/>.</returns>
    public static string[] OfTensors(
        IWeightSource source, IProgress<long>? bytesHashed = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        string[] hashes = new string[source.Tensors.Length];
        TensorWalk.Run(source, (i, stream) =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            stream(source.Tensors[i], hash.AppendData);
            hashes[i] = Convert.ToHexStringLower(hash.GetHashAndReset());
        }, bytesHashed, cancellationToken);
        return hashes;
    }

    /// <exception cref="ArgumentException">There are hashes, but not one per tensor.</exception>
    internal static void RequireOnePerTensor(string[]? hashes, IWeightSource source)
    {
        if (hashes is not null && hashes.Length != source.Tensors.Length)
        {
            throw new ArgumentException($"{hashes.Length} hashes are given for {source.Tensors.Length} tensors.", nameof(hashes));
        }
    }

    /// <summary>The tensors of a source with their digests.</summary>
    internal static IEnumerable<TensorDigest> Describe(IWeightSource source, string[] hashes) =>
        source.Tensors.Select((tensor, i) => new TensorDigest(tensor.Name, tensor.DType, tensor.Shape, hashes[i]));

    /// <summary>The tensors in the order of the lines of the digest.</summary>
    internal static IEnumerable<TensorDigest> Sorted(IEnumerable<TensorDigest> tensors) =>
        tensors.OrderBy(tensor => tensor.Name, Comparer<string>.Create(CompareCodePoints));

    // The order of Python. The ordinal UTF-16 order of .NET differs above U+FFFF, because surrogates are below other characters.
    private static int CompareCodePoints(string a, string b)
    {
        int same = a.AsSpan().CommonPrefixLength(b);
        if (same == a.Length || same == b.Length)
        {
            return a.Length - b.Length;
        }
        bool above = char.IsSurrogate(a[same]);
        return above == char.IsSurrogate(b[same]) ? a[same] - b[same] : above ? 1 : -1;
    }
}
