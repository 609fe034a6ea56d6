using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Checkpoints;

/// <summary>Paths that no file can have. Every entry point reports them by id.</summary>
public sealed class OddPathTests
{
    private const string Odd = "a\0b.pth";

    [Fact]
    public void A_NUL_in_a_path_is_refused_by_id_at_every_door()
    {
        Action[] doors =
        [
            () => Checkpoint.Open(Odd),
            () => WeightTester.Test(Odd),
            () => CheckpointFileReader.Open(Odd),
            () => CheckpointWriter.Write(new MemorySource().Add("a", DType.Int8, 1), Odd, CheckpointFormat.TorchZip),
            () => CheckpointWriter.Write(new MemorySource().Add("a", DType.Int8, 1), "a\0b", CheckpointFormat.PerTensor),
            () => WeightManifest.Read(Odd),
            () => TimelineFile.Read(Odd),
            () => TimelineFile.Append(Odd, []),
            () => TimelineFile.RequireAppendable(Odd),
            () => LoadPlanner.Forecast(new LoadRequest { Path = Odd, Strategy = Strategy.Stream }),
            () => WeightLoader.Load(new LoadRequest { Path = Odd, Strategy = Strategy.Stream }).Dispose(),
        ];

        Assert.All(doors, door => Assert.Contains(Assert.Throws<MemLoadException>(door).Rule.Id, new[] { "ML1001", "ML9103" }));
    }

    [Fact]
    public void A_path_that_is_too_long_is_not_a_matter_of_permissions()
    {
        string path = string.Concat(Enumerable.Repeat("folder/", 1000)) + "model.pth";

        MemLoadException problem = Assert.Throws<MemLoadException>(() => Checkpoint.Open(path));

        Assert.Equal("ML1001", problem.Rule.Id);
        Assert.StartsWith("the path is longer than", problem.Finding, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1_000_000_000, 1)]
    [InlineData(int.MaxValue, 1)]
    [InlineData(8, int.MaxValue)]
    public void Dimensions_beyond_all_memory_are_refused_by_id(int embedding, int layers)
    {
        var config = new GptConfig(int.MaxValue, int.MaxValue, embedding, layers, 1);

        Assert.Equal("ML6022", Assert.Throws<MemLoadException>(() => config.ToSpec()).Rule.Id);
    }
}
