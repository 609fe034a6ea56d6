using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace MemLoad;

/// <summary>
/// One digest for all weights, whatever holds them: SHA-256 over the lines <c>name TAB dtype TAB shape TAB sha256 LF</c>, sorted by name in
/// code point order, shape as <c>1,2,3</c>, sha256 in lowercase hex over the elements as contiguous little-endian row-major bytes.
/// Equal weights have equal digests in every format, strategy and device.
/// </summary>
public static class WeightsDigest
{
    /// <summary>Computes the digest, reading every tensor once, several at a time.</summary>
    /// <returns>Lowercase hex.</returns>
    public static string Of(IWeightSource source, CancellationToken cancellationToken = default) =>
        Of(Describe(source, OfTensors(source, cancellationToken: cancellationToken)));

    /// <summary>The digest of tensors whose own digests are known.</summary>
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
    /// Bytes that hashing every tensor goes through: what <see cref="OfTensors"/> costs. Views that share or repeat elements count in full, so it may be
    /// far more than the files have.
    /// </summary>
    /// <param name="source">The weights.</param>
    public static long BytesToHash(IWeightSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Saturated(source.Tensors.Select(tensor => tensor.Bytes));
    }

    /// <summary>Whether loads of one checkpoint gave the same weights.</summary>
    /// <param name="digests">The digest of each load; null for one that gave none.</param>
    /// <param name="path">The checkpoint.</param>
    /// <returns>ML8002 if they differ; null if they do not.</returns>
    public static MemLoadException? Disagreement(IEnumerable<string?> digests, string? path)
    {
        int count = digests.OfType<string>().Distinct(StringComparer.Ordinal).Count();
        return count > 1 ? Rules.DigestsDiffer.Broken($"the loads of one checkpoint gave {count} different weights", path) : null;
    }

    /// <summary>A sum that stays at the largest number instead of passing it.</summary>
    internal static long Saturated(IEnumerable<long> numbers) => numbers.Aggregate(0L, (sum, number) => sum > long.MaxValue - number ? long.MaxValue : sum + number);

    /// <summary>SHA-256 of each tensor's elements as contiguous little-endian row-major bytes, several tensors at a time.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="bytesHashed">Hears the bytes hashed so far, of <see cref="BytesToHash"/>, from several threads.</param>
    /// <param name="cancellationToken">Stops within a MiB.</param>
    /// <returns>Lowercase hex, in the order of <see cref="IWeightSource.Tensors"/>.</returns>
    public static string[] OfTensors(IWeightSource source, IProgress<long>? bytesHashed = null, CancellationToken cancellationToken = default)
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

    /// <summary>The tensors of a source with their digests.</summary>
    internal static IEnumerable<TensorDigest> Describe(IWeightSource source, string[] hashes) =>
        source.Tensors.Select((tensor, i) => new TensorDigest(tensor.Name, tensor.DType, tensor.Shape, hashes[i]));

    /// <summary>In the order of the digest's lines.</summary>
    internal static IEnumerable<TensorDigest> Sorted(IEnumerable<TensorDigest> tensors) =>
        tensors.OrderBy(tensor => tensor.Name, Comparer<string>.Create(CompareCodePoints));

    // As Python sorts; .NET's ordinal order of UTF-16 differs above U+FFFF, where surrogates stand for what comes after every other character.
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
