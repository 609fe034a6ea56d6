namespace MemLoad.Tests.Checkpoints;

/// <summary>
/// A checkpoint is divided among ranks. No part is repeated or left out. Each share is contiguous and has about the size of the others.
/// </summary>
public sealed class ShareTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(16)]
    public void Every_tensor_belongs_to_one_rank_and_each_rank_has_a_contiguous_range(int count)
    {
        Checkpoint whole = SyntheticCheckpoint.Gpt("gpt2-medium");
        Checkpoint[] shares = [.. Enumerable.Range(0, count).Select(rank => whole.Share(rank, count))];

        Assert.Equal(whole.Tensors.Select(tensor => tensor.Name), shares.SelectMany(share => share.Tensors).Select(tensor => tensor.Name));
        Assert.Equal(whole.Storages, shares.SelectMany(share => share.Storages));
        // No tensor is split, so a share can differ by half a tensor at each end.
        Assert.All(shares, share =>
            Assert.InRange(
                share.ModelBytes, (whole.ModelBytes / count) - whole.LargestBytes, (whole.ModelBytes / count) + whole.LargestBytes));
    }

    [Fact]
    public void The_part_of_a_rank_has_the_findings_about_the_files()
    {
        using var folder = new TemporaryFolder();
        var whole = Checkpoint.Open(folder.CopyFixture("tiny/fp32.safetensors", "model-00001-of-00002.safetensors"));

        Assert.Single(whole.Findings);
        Assert.Equal(whole.Findings, whole.Share(1, 2).Findings);
        Assert.Equal(whole.Findings, whole.Slice(1, 2, TensorSplit.Rows).Findings);
    }

    [Fact]
    public void Tensors_that_share_a_storage_stay_together()
    {
        Checkpoint tied = Checkpoint.Open(Fixtures.PathOf("layout/views_and_shared.pth"));
        for (int rank = 0; rank < 2; rank++)
        {
            Checkpoint share = tied.Share(rank, 2);
            foreach (TensorEntry tensor in share.Tensors)
            {
                int storage = tied.Tensors.Single(other => other.Name == tensor.Name).Storage;
                Assert.All(tied.Tensors.Where(other => other.Storage == storage), other =>
                    Assert.Contains(share.Tensors, mine => mine.Name == other.Name));
            }
        }
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(2, 2)]
    [InlineData(0, 0)]
    public void A_rank_outside_is_refused(int rank, int count) =>
        Assert.Equal("ML6009", Assert.Throws<MemLoadException>(() => SyntheticCheckpoint.OfCounts(1, 2).Share(rank, count)).Rule.Id);

    [Fact]
    public void A_rank_without_tensors_is_refused() =>
        Assert.Equal("ML6006", Assert.Throws<MemLoadException>(() => SyntheticCheckpoint.OfCounts(5).Share(0, 2)).Rule.Id);
}
