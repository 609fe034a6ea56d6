namespace MemLoad;

/// <summary>
/// Gives verdicts: holds a checkpoint against every rule its headers can break, and, in a deep test, its bytes against their checksums and
/// against what weights look like. One broken rule is one verdict; only a path that cannot be tested at all is an exception.
/// </summary>
public static class WeightTester
{
    /// <summary>Tests one checkpoint.</summary>
    /// <param name="path">File or folder.</param>
    /// <param name="deep">Read all of it, too: checksums of archives and the bytes of every tensor.</param>
    /// <param name="progress">Given the bytes that a deep test will read, yields what takes the bytes read so far.</param>
    /// <param name="cancellationToken">Stops the test.</param>
    /// <exception cref="MemLoadException">ML1001 or ML1002: nothing is there, or nothing that this user may read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static WeightVerdict Test(string path, bool deep = false, Func<long, IProgress<long>>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        path = Path.GetFullPath(path);
        Checkpoint? checkpoint = null;
        try
        {
            checkpoint = Checkpoint.Open(path, cancellationToken);
            WeightVerdict verdict = Of(path, checkpoint, WeightVerdict.Sound);
            return deep ? new DeepTest(checkpoint, progress?.Invoke(DeepTest.TotalBytes(checkpoint)), cancellationToken).Run(verdict) : verdict;
        }
        // A path that is not there is no unsound checkpoint but a mistake.
        catch (MemLoadException e) when (e.Rule != Rules.PathNotFound && e.Rule != Rules.PathUnreadable)
        {
            return Of(path, checkpoint, WeightVerdict.Unsound) with
            {
                RuleId = e.Rule.Id,
                File = e.Path == path ? null : e.Path,
                Offset = e.Offset,
                Finding = e.Finding.ReplaceLineEndings(" "),
                Remedy = e.Remedy,
            };
        }
    }

    private static WeightVerdict Of(string path, Checkpoint? checkpoint, string verdict) => new()
    {
        Path = path,
        Verdict = verdict,
        Format = checkpoint?.Format.ToString(),
        TensorCount = checkpoint?.Tensors.Length,
        ModelBytes = checkpoint?.ModelBytes,
        FileBytes = checkpoint?.FileBytes,
    };
}
