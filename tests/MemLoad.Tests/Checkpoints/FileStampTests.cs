namespace MemLoad.Tests.Checkpoints;

/// <summary>Stamps that could not detect the next write, because the clock of file systems has a coarse resolution.</summary>
public sealed class FileStampTests : IDisposable
{
    private const int Attempts = 10_000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_stamp_of_the_current_moment_is_fresh()
    {
        for (int i = 0; i < Attempts; i++)
        {
            DateTime before = DateTime.UtcNow;
            bool isFresh = At(before).IsFresh;
            if (DateTime.UtcNow - before < FileStamp.Settling) // otherwise the machine was busy, and the time is over
            {
                Assert.True(isFresh);
                return;
            }
        }
    }

    [Theory]
    [InlineData(-60)]
    [InlineData(60)] // by a clock that is ahead: this time is not the present, so the next write has another time
    public void A_stamp_of_another_time_is_not(int seconds) => Assert.False(At(DateTime.UtcNow.AddSeconds(seconds)).IsFresh);

    [Fact]
    public void A_file_is_loaded_only_when_a_later_write_would_change_its_stamp()
    {
        for (int i = 0; i < 20; i++)
        {
            string path = _folder.CopyFixture("tiny/fp32.pth", "x.pth");

            using LoadSource source = LoadSource.Open(new LoadRequest { Path = path, Strategy = Strategy.Stream }, default);

            Assert.True(DateTime.UtcNow.Ticks - source.Checkpoint.Files[0].Stamp!.Value.Modified >= FileStamp.Settling.Ticks);
        }
    }

    private static FileStamp At(DateTime time) => new(1, time.Ticks, 0, 0);
}
