namespace MemLoad.Tests.Tensors;

public sealed class DisagreementTests
{
    [Fact]
    public void Loads_of_different_weights_are_ML8002_with_the_checkpoint()
    {
        MemLoadException? different = WeightsDigest.Disagreement(["aa", null, "bb", "aa"], "/models/model.pth");

        Assert.Equal(("ML8002", "/models/model.pth"), (different?.Rule.Id, different?.Path));
        Assert.Contains("2 different weights", different!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_weights_and_loads_without_weights_agree()
    {
        Assert.Null(WeightsDigest.Disagreement(["aa", null, "aa"], null));
        Assert.Null(WeightsDigest.Disagreement([null, null], null));
        Assert.Null(WeightsDigest.Disagreement([], null));
    }
}
