using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace MemLoad.Cli;

/// <summary>SHA-256 of every tensor of a checkpoint, all cores at work.</summary>
internal static class TensorHashes
{
    /// <summary>One lowercase hex digest a tensor, over its elements as contiguous little-endian bytes in row-major order.</summary>
    public static string[] Compute(Checkpoint checkpoint, IProgress<long> progress, CancellationToken cancellationToken)
    {
        string[] digests = new string[checkpoint.Tensors.Length];
        long hashed = 0;
        // Largest first, one at a time to each worker: no core is left with a long one at the end.
        int[] order = [.. Enumerable.Range(0, digests.Length).OrderByDescending(i => checkpoint.Tensors[i].Bytes)];
        Parallel.ForEach(
            Partitioner.Create(order, EnumerablePartitionerOptions.NoBuffering),
            new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount },
            i =>
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                checkpoint.StreamElements(checkpoint.Tensors[i], elements =>
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    hash.AppendData(elements);
                    progress.Report(Interlocked.Add(ref hashed, elements.Length));
                });
                digests[i] = Convert.ToHexStringLower(hash.GetHashAndReset());
            });
        return digests;
    }
}
