using MemLoad.Fuzz;

namespace MemLoad.Tests.Corpus;

/// <summary>The short run of bench/Fuzz, with the same inputs each time. The long run is started manually.</summary>
public sealed class FuzzTests
{
    // Only an endless loop takes this time.
    private static readonly TimeSpan Watchdog = TimeSpan.FromMinutes(10);

    private const int Inputs = 1000;

    [Theory]
    [InlineData("Zip")]
    [InlineData("Legacy")]
    [InlineData("Safetensors")]
    [InlineData("Index")]
    [InlineData("Folder")]
    [InlineData("Gguf")]
    [InlineData("Distributed")]
    public void A_mutated_checkpoint_is_opened_or_refused_by_a_rule_and_what_opens_loads(string format)
    {
        using var stop = new CancellationTokenSource(Watchdog);
        var campaign = new Campaign(seed: 2026, [Enum.Parse<FuzzFormat>(format)], Examiner.DefaultScratch, deepEvery: 1)
        {
            WatchesTime = false,
        };

        campaign.Run(0, Inputs, threads: 1, stop.Token);

        Assert.Empty(campaign.Findings);
        Assert.Equal(Inputs, campaign.Done);
        // Mutations with only one refusal would find nothing.
        Assert.InRange(campaign.Counts.Count, 10, int.MaxValue);
        Assert.InRange(campaign.Counts.Single(row => row.Key.Outcome == "opened").Value, Inputs / 20, Inputs * 19 / 20);
    }

    [Fact]
    public void An_input_is_the_same_each_time_it_is_made()
    {
        foreach (FuzzFormat format in Enum.GetValues<FuzzFormat>())
        {
            FuzzInput one = Mutator.Make(format, 7, 77);
            FuzzInput other = Mutator.Make(format, 7, 77);
            Assert.Equal(
                one.Files.Select(file => (file.Name, Convert.ToHexString(file.Content))),
                other.Files.Select(file => (file.Name, Convert.ToHexString(file.Content))));
        }
    }
}
