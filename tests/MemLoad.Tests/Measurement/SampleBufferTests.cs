namespace MemLoad.Tests.Measurement;

public sealed class SampleBufferTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(64)]
    public void For_any_duration_the_buffer_is_bounded_and_ordered_and_keeps_its_ends_and_its_peak(int capacity)
    {
        const int length = 10_000;
        var buffer = new SampleBuffer(capacity, 5);
        for (int i = 0; i < length; i++)
        {
            long host = i == 1234 ? 1_000_000 : i % 10;
            buffer.Add(new MemorySample(i * 5, host, 0, null, null), keep: i is 1234 or length - 1);
        }
        MemorySample[] samples = buffer.ToArray();

        Assert.InRange(samples.Length, 2, capacity);
        Assert.Equal(0, samples[0].ElapsedMicroseconds);
        Assert.Equal((length - 1) * 5, samples[^1].ElapsedMicroseconds);
        Assert.Contains(samples, s => s.HostBytes == 1_000_000);
        Assert.Equal(samples.Select(s => s.ElapsedMicroseconds).Distinct().Order(), samples.Select(s => s.ElapsedMicroseconds));
    }

    [Fact]
    public void Until_it_is_full_it_keeps_everything()
    {
        var buffer = new SampleBuffer(100, 5000);
        MemorySample[] samples = [.. Enumerable.Range(0, 100).Select(i => new MemorySample(i, i, null, i, "phase"))];
        foreach (MemorySample sample in samples)
        {
            buffer.Add(sample, keep: false);
        }
        Assert.Equal(samples, buffer.ToArray());
    }
}
