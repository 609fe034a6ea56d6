namespace MemLoad;

/// <summary>Opens the files of a checkpoint that has several.</summary>
internal static class ShardFiles
{
    /// <summary>
    /// Opens files, several at a time, because each needs one or two round trips on a network. The error of the first file is reported.
    /// </summary>
    /// <exception cref="MemLoadException">The rules of the files.</exception>
    public static Checkpoint[] OpenAll(string[] paths, Opening opening) =>
        OpenAll(paths.Length, (i, stop) => Checkpoint.OpenFile(paths[i], opening with { Stop = stop }), opening.Stop);

    /// <summary>Opens files by a function, several at a time. The error of the first file is reported.</summary>
    /// <typeparam name="T">The type of an opened file.</typeparam>
    /// <param name="count">The number of files.</param>
    /// <param name="open">Opens one of them.</param>
    /// <param name="ct">Stops the reading.</param>
    /// <param name="threads">The number of files to open at a time; null for a number that suits this machine.</param>
    public static T[] OpenAll<T>(int count, Func<int, CancellationToken, T> open, CancellationToken ct, int? threads = null)
    {
        var opened = new T[count];
        long failed = count;
        var failures = new MemLoadException?[count];
        Workers.RunEach(count, threads ?? Math.Max(4, Environment.ProcessorCount), (i, stop) =>
        {
            try
            {
                // Failures after the first failure are not reported.
                if (i < Volatile.Read(ref failed))
                {
                    opened[i] = open((int)i, stop);
                }
            }
            catch (MemLoadException e)
            {
                failures[i] = e;
                Volatile.Write(ref failed, Math.Min(i, Volatile.Read(ref failed)));
            }
        }, ct);
        return failures.FirstOrDefault(failure => failure is not null) is MemLoadException failure ? throw failure : opened;
    }
}
