namespace MemLoad;

/// <summary>The progress and the cancellation of one write, and the files that it reads.</summary>
internal sealed class WriteSession(IProgress<long>? bytesWritten, CancellationToken cancellationToken) : IDisposable
{
    private long _written;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>The files of the source. Each is opened once, unless the source has many.</summary>
    public CheckpointFileSet Files { get; } = new();

    /// <summary>Reports the number of bytes that were passed to the operating system.</summary>
    public void Advance(long bytes)
    {
        _written += bytes;
        bytesWritten?.Report(_written);
    }

    /// <summary>Checks the source and closes its files. Call it before the new files get their names, which can be those of the source.
    /// </summary>
    /// <exception cref="MemLoadException">ML1006: a file of the source was written to during the write.</exception>
    /// <exception cref="OperationCanceledException">The write was canceled.</exception>
    public void RequireComplete()
    {
        Files.RequireUnchanged();
        Files.Dispose();
        cancellationToken.ThrowIfCancellationRequested();
    }

    public void Dispose() => Files.Dispose();
}
