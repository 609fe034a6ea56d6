using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// Samples of a measurement of any length in memory of fixed size. When the buffer is full, the larger sample of each pair stays, and the
/// sampling rate is halved. A picture of the measurement therefore keeps its shape and its peaks.
/// </summary>
internal sealed class SampleBuffer
{
    private readonly MemorySample[] _samples;
    private long _spacing;
    private bool _isThinned; // samples that are closer than the spacing are then dropped

    /// <param name="capacity">The maximum number of samples; at least 4.</param>
    /// <param name="spacingMicroseconds">The interval of regular samples. The first thinning doubles it.</param>
    public SampleBuffer(int capacity, long spacingMicroseconds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 4);
        _samples = new MemorySample[capacity];
        // Written once here, so that its pages are resident before the idle process is measured.
        Array.Fill(_samples, new MemorySample(-1, null, null, null, null));
        _spacing = spacingMicroseconds;
    }

    public int Count { get; private set; }

    /// <summary>Adds a sample, which is not older than the last one, unless it is closer to it than the spacing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(in MemorySample sample, bool keep)
    {
        if (_isThinned && !keep && sample.ElapsedMicroseconds - _samples[Count - 1].ElapsedMicroseconds < _spacing)
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
        _isThinned = true;
    }

    private static long Weight(in MemorySample sample) =>
        (sample.HostBytes ?? 0) + (sample.HostFileBytes ?? 0) + (sample.DeviceBytes ?? 0);
}
