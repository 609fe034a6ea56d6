namespace MemLoad;

/// <summary>The progress and the cancellation of one write.</summary>
internal sealed class WriteSession(IProgress<long>? bytesWritten, CancellationToken cancellationToken)
{
    private long _written;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>Reports the number of bytes that were passed to the operating system.</summary>
    public void Advance(long bytes)
    {
        _written += bytes;
        bytesWritten?.Report(_written);
    }
}
