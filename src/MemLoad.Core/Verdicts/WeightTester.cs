namespace MemLoad;

/// <summary>
/// Tests checkpoints. Compares a checkpoint with every rule for headers and with a manifest of the expected weights. A deep test compares
/// its bytes with their checksums and scans the weights. A broken rule is a verdict. Only a path that cannot be tested is an exception.
/// </summary>
public static class WeightTester
{
    /// <summary>Tests one checkpoint.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="deep">Whether to read all bytes: checksums of archives and the bytes of every tensor.</param>
    /// <param name="manifest">The expected weights. Every tensor is read and compared, in the same pass as a deep test.</param>
    /// <param name="progress">Receives the bytes that will be read, and returns a callback for the bytes read, which several threads
    /// call.</param>
    /// <param name="cancellationToken">Stops the test.</param>
    /// <exception cref="MemLoadException">ML1001 or ML1002: the path does not exist, or this user may not read it;
    /// ML5201: it is on a server.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static WeightVerdict Test(
        string path, bool deep = false, WeightManifest? manifest = null, Func<long, IProgress<long>>? progress = null,
        CancellationToken cancellationToken = default) =>
        Test(path, OpenLimits.FromEnvironment(), deep, manifest, progress, cancellationToken);

    /// <summary>Tests one checkpoint as the other overload does, with limits on what its headers may claim.</summary>
    internal static WeightVerdict Test(string path, OpenLimits limits, bool deep, WeightManifest? manifest,
        Func<long, IProgress<long>>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        RemoteAddress.RefuseBytes(path);
        path = HubCache.FullPathOf(path);
        WeightVerdict verdict = new() { Path = path, Kind = CheckpointVerdict.Sound, ManifestDigest = manifest?.WeightsDigest };
        try
        {
            var checkpoint = Checkpoint.Open(path, limits, cancellationToken);
            verdict = verdict with
            {
                Format = checkpoint.Format.ToString(),
                TensorCount = checkpoint.Tensors.Length,
                ModelBytes = checkpoint.ModelBytes,
                FileBytes = checkpoint.FileBytes,
                OpaqueObjects = checkpoint.OpaqueObjects,
                Warning = checkpoint.Findings.IsEmpty ? null : string.Join("; ", checkpoint.Findings),
            };
            var publisher = new PublisherTest(checkpoint);
            publisher.RequireLengths();
            if (deep && publisher.FileCount > 0)
            {
                publisher.Verify(progress, cancellationToken);
                verdict = verdict with { VerifiedFileCount = publisher.FileCount };
            }
            if (manifest is not null)
            {
                ManifestMatch.RequireTensors(manifest, checkpoint);
            }
            if (deep || manifest is not null)
            {
                var bytes = new ByteTest(checkpoint, deep, manifest, progress, cancellationToken);
                verdict = bytes.ReadTensors(verdict);
                // The manifest is compared first, because it names tensors, and checksums name only records.
                if (bytes.Difference is MemLoadException difference)
                {
                    throw difference;
                }
                if (deep)
                {
                    verdict = bytes.VerifyRecords(verdict);
                }
            }
            return verdict;
        }
        // A missing path is a usage error, not an unsound checkpoint.
        catch (MemLoadException e) when (e.Rule != Rules.PathNotFound && e.Rule != Rules.PathUnreadable)
        {
            return verdict with
            {
                Kind = CheckpointSigns.AreIn(path, e) ? CheckpointVerdict.Unsound : CheckpointVerdict.NotACheckpoint,
                RuleId = e.Rule.Id,
                File = e.Path == Printable.Text(path) ? null : e.Path,
                Offset = e.Offset,
                Finding = e.Finding,
                Remedy = e.Remedy,
            };
        }
    }
}
