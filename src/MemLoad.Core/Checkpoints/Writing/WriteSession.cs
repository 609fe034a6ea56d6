namespace MemLoad;

/// <summary>What one call to write something carries along: who listens to its progress and who may stop it.</summary>
internal sealed class WriteSession(IProgress<long>? bytesWritten, CancellationToken cancellationToken)
{
    private long _written;

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>Tells that this many more bytes have been handed to the operating system.</summary>
    public void Advance(long bytes)
    {
        _written += bytes;
        bytesWritten?.Report(_written);
    }
}
