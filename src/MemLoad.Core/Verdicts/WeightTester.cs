namespace MemLoad;

/// <summary>
/// Gives verdicts: holds a checkpoint against every rule its headers can break, against a manifest of the weights it should hold, and, in a deep
/// test, its bytes against their checksums and against what weights look like. One broken rule is one verdict; only a path that cannot be tested
/// at all is an exception.
/// </summary>
public static class WeightTester
{
    /// <summary>Tests one checkpoint.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="deep">Read all of it, too: checksums of archives and the bytes of every tensor.</param>
    /// <param name="manifest">What it should hold: every tensor is read and compared, in the same pass as by a deep test.</param>
    /// <param name="progress">Given the bytes that will be read, yields what takes the bytes read so far, from several threads.</param>
    /// <param name="cancellationToken">Stops the test.</param>
    /// <exception cref="MemLoadException">ML1001 or ML1002: nothing is there, or nothing that this user may read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static WeightVerdict Test(
        string path, bool deep = false, WeightManifest? manifest = null, Func<long, IProgress<long>>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = FullPath.Of(path);
        WeightVerdict verdict = new() { Path = path, Kind = CheckpointVerdict.Sound, ManifestDigest = manifest?.WeightsDigest };
        try
        {
            var checkpoint = Checkpoint.Open(path, cancellationToken);
            verdict = verdict with
            {
                Format = checkpoint.Format.ToString(),
                TensorCount = checkpoint.Tensors.Length,
                ModelBytes = checkpoint.ModelBytes,
                FileBytes = checkpoint.FileBytes,
            };
            if (manifest is not null)
            {
                ManifestMatch.RequireTensors(manifest, checkpoint);
            }
            if (deep || manifest is not null)
            {
                var bytes = new ByteTest(checkpoint, deep, manifest, progress, cancellationToken);
                verdict = bytes.ReadTensors(verdict);
                // The manifest names tensors, checksums only records: it speaks first.
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
        // A path that is not there is no unsound checkpoint but a mistake.
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
