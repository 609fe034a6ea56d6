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
    public static string Of(IWeightSource source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        string[] hashes = OfTensors(source, cancellationToken: cancellationToken);
        IEnumerable<byte[]> lines = source.Tensors.Select((tensor, i) => (Name: Encoding.UTF8.GetBytes(tensor.Name), Tensor: tensor, Hash: hashes[i]))
            // Code points, as Python sorts, which is the order of UTF-8 bytes; .NET's ordinal order of UTF-16 differs above U+FFFF.
            .OrderBy(line => line.Name, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))
            .Select(line => Encoding.UTF8.GetBytes($"{line.Tensor.Name}\t{line.Tensor.DType.TorchName()}\t{string.Join(',', line.Tensor.Shape)}\t{line.Hash}\n"));
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] line in lines)
        {
            digest.AppendData(line);
        }
        return Convert.ToHexStringLower(digest.GetHashAndReset());
    }

    /// <summary>SHA-256 of each tensor's elements as contiguous little-endian row-major bytes, several tensors at a time.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="bytesHashed">Hears the bytes hashed so far, from several threads.</param>
    /// <param name="cancellationToken">Stops within a MiB.</param>
    /// <returns>Lowercase hex, in the order of <see cref="IWeightSource.Tensors"/>.</returns>
    public static string[] OfTensors(IWeightSource source, IProgress<long>? bytesHashed = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        string[] hashes = new string[source.Tensors.Length];
        // Largest first, so that no core is left alone with a long one at the end.
        int[] order = [.. Enumerable.Range(0, hashes.Length).OrderByDescending(i => source.Tensors[i].Bytes)];
        int next = -1;
        long hashed = 0;
        Workers.Run(Math.Clamp(Environment.ProcessorCount, 1, Math.Max(1, order.Length)), (_, stop) =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (int i = Interlocked.Increment(ref next); i < order.Length; i = Interlocked.Increment(ref next))
            {
                source.StreamElements(source.Tensors[order[i]], elements =>
                {
                    stop.ThrowIfCancellationRequested();
                    hash.AppendData(elements);
                    bytesHashed?.Report(Interlocked.Add(ref hashed, elements.Length));
                });
                hashes[order[i]] = Convert.ToHexStringLower(hash.GetHashAndReset());
            }
        }, cancellationToken);
        return hashes;
    }
}
