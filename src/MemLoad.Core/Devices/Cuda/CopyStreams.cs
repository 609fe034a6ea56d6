using System.Collections.Concurrent;

namespace MemLoad;

/// <summary>The streams of a device. Each carries out one copy at a time, and copies wait for a free one.</summary>
/// <param name="count">The number of streams that will be added.</param>
internal sealed class CopyStreams(int count) : IDisposable
{
    private readonly ConcurrentBag<nint> _idle = [];
    private readonly SemaphoreSlim _free = new(count);

    public void Add(nint stream) => _idle.Add(stream);

    public void Use(Action<nint> copy)
    {
        _free.Wait();
        // The number of streams is the number that can be in use at a time.
        _ = _idle.TryTake(out nint stream);
        try
        {
            copy(stream);
        }
        finally
        {
            _idle.Add(stream);
            _free.Release();
        }
    }

    /// <summary>Removes every stream, none of which may be in use.</summary>
    public void Clear(Action<nint> destroy)
    {
        while (_idle.TryTake(out nint stream))
        {
            destroy(stream);
        }
    }

    public void Dispose() => _free.Dispose();
}
