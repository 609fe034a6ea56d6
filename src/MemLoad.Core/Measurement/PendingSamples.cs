namespace MemLoad;

/// <summary>The samples of loads that are not in their file yet.</summary>
/// <param name="path">The file that they are appended to; null if they are not needed.</param>
internal sealed class PendingSamples(string? path)
{
    private readonly List<LoadTimeline> _samples = [];

    /// <summary>Receives samples; null if they are not needed.</summary>
    public Action<LoadTimeline>? Receiver => path is null ? null : Add;

    /// <summary>Adds the samples of a load. Ranks that load at the same time end on several threads.</summary>
    public void Add(LoadTimeline timeline)
    {
        lock (_samples)
        {
            _samples.Add(timeline);
        }
    }

    /// <summary>Appends all samples to the file. If this fails, they are kept for the next call.</summary>
    /// <returns>The reason why they could not be written (ML8111 to ML8113, ML91xx); null if all are written.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public MemLoadException? Write(CancellationToken cancellationToken)
    {
        lock (_samples)
        {
            if (path is null || _samples.Count == 0)
            {
                return null;
            }
            try
            {
                TimelineFile.Append(path, _samples, cancellationToken);
                _samples.Clear();
                return null;
            }
            catch (MemLoadException e)
            {
                return e;
            }
        }
    }
}
