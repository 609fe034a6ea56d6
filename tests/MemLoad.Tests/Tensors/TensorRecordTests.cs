namespace MemLoad.Tests.Tensors;

public sealed class TensorRecordTests
{
    [Fact]
    public void Tensors_of_two_openings_are_equal()
    {
        string path = Fixtures.PathOf("layout/views_and_shared.pth");
        var first = Checkpoint.Open(path);
        var second = Checkpoint.Open(path);
        string[] hashes = WeightsDigest.OfTensors(first);

        Assert.True(first.Tensors.SequenceEqual(second.Tensors));
        Assert.Equal(first.Tensors.Select(tensor => tensor.GetHashCode()), second.Tensors.Select(tensor => tensor.GetHashCode()));
        Assert.True(WeightManifest.Of(first, hashes).Tensors.SequenceEqual(WeightManifest.Of(second, hashes).Tensors));
    }

    [Fact]
    public void Hashes_that_are_not_one_per_tensor_are_refused()
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));

        Assert.Throws<ArgumentException>(() => WeightManifest.Of(checkpoint, ["00"]));
        Assert.Throws<ArgumentException>(() => WeightInfo.Of(checkpoint, ["00"]));
    }

    [Fact]
    public void Tensors_that_differ_in_a_member_are_not_equal()
    {
        var tensor = new TensorEntry("a", DType.Float32, [2, 3], [3, 1], 0, 0);
        var digest = new TensorDigest("a", DType.Float32, [2, 3], "00");

        Assert.All(
            new[]
            {
                tensor with { Name = "b" }, tensor with { DType = DType.Int32 }, tensor with { Shape = [3, 2] },
                tensor with { Strides = [1, 2] }, tensor with { Storage = 1 }, tensor with { ElementOffset = 1 },
                tensor with { LazyView = LazyView.Negative },
            },
            other => Assert.False(tensor == other));
        Assert.All(
            new[]
            {
                digest with { Name = "b" }, digest with { DType = DType.Int32 }, digest with { Shape = [3, 2] },
                digest with { Sha256 = "01" },
            },
            other => Assert.False(digest == other));
    }
}
