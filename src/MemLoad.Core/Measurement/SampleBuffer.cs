using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Samples of a stretch of any length in memory of fixed size. When it is full, of every two neighbours the larger stays, and from then on
/// samples are taken in at half the rate: a picture of the stretch keeps its shape and its summits.
/// </summary>
internal sealed class SampleBuffer
{
    private readonly MemorySample[] _samples;
    private long _spacing;

    /// <param name="capacity">Samples kept at most; at least 4.</param>
    /// <param name="spacingMicroseconds">How far apart regular samples are; the first thinning makes it twice as much.</param>
    public SampleBuffer(int capacity, long spacingMicroseconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 4);
        _samples = new MemorySample[capacity];
        // Written once now, so that its pages are resident before the idle process is weighed and not while it is measured.
        Array.Fill(_samples, new MemorySample(-1, null, null, null, null));
        _spacing = spacingMicroseconds;
    }

    public int Count { get; private set; }

    /// <summary>Whether the buffer has been thinned, so that samples closer than the spacing are no longer wanted.</summary>
    private bool Thinned { get; set; }

    /// <summary>Takes a sample in, or not where the stretch has become too long for it.</summary>
    /// <param name="sample">The sample; its time is not before the last one's.</param>
    /// <param name="keep">True to take it in whatever the spacing.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(in MemorySample sample, bool keep)
    {
        if (Thinned && !keep && sample.ElapsedMicroseconds - _samples[Count - 1].ElapsedMicroseconds < _spacing)
        {
            return;
        }
        if (Count == _samples.Length)
        {
            Thin();
        }
        _samples[Count++] = sample;
    }

    public MemorySample[] ToArray() => _samples.AsSpan(0, Count).ToArray();

    private void Thin()
    {
        // The first sample is the zero line of every picture, so pairs start after it.
        int kept = 1;
        for (int i = 1; i < Count; i += 2)
        {
            bool second = i + 1 < Count && Weight(_samples[i + 1]) > Weight(_samples[i]);
            _samples[kept++] = _samples[second ? i + 1 : i];
        }
        Count = kept;
        _spacing *= 2;
        Thinned = true;
    }

    private static long Weight(in MemorySample sample) =>
        (sample.HostBytes ?? 0) + (sample.HostFileBytes ?? 0) + (sample.DeviceBytes ?? 0);
}
