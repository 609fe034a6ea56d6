namespace MemLoad.Tests.Checkpoints;

/// <summary>Each rank has its slice of each tensor, as <c>torch.chunk</c> gives it, and reads nothing else.</summary>
public sealed class SliceTests
{
    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_rank_loads_its_slice_of_each_tensor_with_every_strategy(string name)
    {
        var whole = Checkpoint.Open(Fixtures.PathOf(name));
        if (whole.Tensors.IsEmpty || whole.Tensors.Any(tensor => !tensor.DType.Layout().IsSingle))
        {
            return; // packed elements are tested below
        }
        foreach (TensorSplit split in Enum.GetValues<TensorSplit>())
        {
            foreach (int count in (int[])[2, 3])
            {
                for (int rank = 0; rank < count; rank++)
                {
                    Checkpoint slice = whole.Slice(rank, count, split);
                    Assert.Equal(whole.Tensors.Select(tensor => tensor.Name), slice.Tensors.Select(tensor => tensor.Name));
                    foreach ((TensorEntry tensor, TensorEntry mine) in whole.Tensors.Zip(slice.Tensors))
                    {
                        Assert.Equal(Part(tensor, ElementsOf(whole, tensor), rank, count, split), ElementsOf(slice, mine));
                    }
                    RequireLoadable(slice);
                }
            }
        }
    }

    [Fact]
    public void A_slice_has_the_bytes_of_the_rank_only_and_ties_are_kept()
    {
        Checkpoint whole = SyntheticCheckpoint.Gpt("gpt2-small");
        foreach (TensorSplit split in Enum.GetValues<TensorSplit>())
        {
            Checkpoint[] ranks = [.. Enumerable.Range(0, 4).Select(rank => whole.Slice(rank, 4, split))];
            long divided = whole.Tensors.Where(tensor => tensor.Shape.Length > (int)split).Sum(tensor => tensor.Bytes);
            long everywhere = whole.Tensors.Where(tensor => tensor.Shape.Length <= (int)split).Sum(tensor => tensor.Bytes);

            Assert.Equal(divided + (4 * everywhere), ranks.Sum(rank => rank.ModelBytes));
            Assert.All(ranks, rank => Assert.Equal(rank.ModelBytes, rank.Tensors.Sum(tensor => tensor.Bytes)));
            Assert.All(ranks, rank => Assert.Equal(rank.ModelBytes, rank.TouchedBytes.Sum()));
        }
        Checkpoint tied = Checkpoint.Open(Fixtures.PathOf("layout/tied_module.pth"));
        Checkpoint half = tied.Slice(0, 2, TensorSplit.Columns);
        Assert.Equal(
            tied.Tensors.GroupBy(tensor => tensor.Storage).Select(group => group.Count()),
            half.Tensors.GroupBy(tensor => tensor.Storage).Select(group => group.Count()));
    }

    [Theory]
    [InlineData(6, 4, new long[] { 2, 2, 2, 0 })]
    [InlineData(7, 3, new long[] { 3, 3, 1 })]
    [InlineData(1, 2, new long[] { 1, 0 })]
    [InlineData(0, 2, new long[] { 0, 0 })]
    public void Rows_are_divided_as_PyTorch_divides_them(long rows, int count, long[] expected)
    {
        var builder = new CheckpointBuilder("/x", CheckpointFormat.Safetensors);
        int storage = builder.AddStorage(builder.AddFile("/x", rows * 12), 0, rows * 12);
        builder.AddTensor(new TensorEntry("a", DType.Float32, [rows, 3], [3, 1], storage, 0));
        Checkpoint whole = builder.Build();

        Assert.Equal(expected, Enumerable.Range(0, count).Select(rank => whole.Slice(rank, count, TensorSplit.Rows).Tensors[0].Shape[0]));
        Assert.Equal(expected, Enumerable.Range(0, count).Select(rank => whole.Slice(rank, count, TensorSplit.Rows).ModelBytes / 12));
    }

    [Fact]
    public void Blocks_of_packed_elements_are_not_cut()
    {
        var builder = new CheckpointBuilder("/x", CheckpointFormat.Gguf);
        long bytes = DType.Q40.Layout().BytesOf(4 * 64);
        int storage = builder.AddStorage(builder.AddFile("/x", bytes), 0, bytes);
        builder.AddTensor(new TensorEntry("a", DType.Q40, [4, 64], [64, 1], storage, 0));
        Checkpoint whole = builder.Build();

        Assert.Equal(bytes / 2, whole.Slice(1, 2, TensorSplit.Rows).ModelBytes);
        Assert.Equal([4L, 32L], whole.Slice(1, 2, TensorSplit.Columns).Tensors[0].Shape.AsEnumerable());
        Assert.Equal(bytes / 8, Assert.Single(whole.Slice(1, 2, TensorSplit.Columns).Storages).Chunks[0].RunBytes);
        Assert.Equal("ML6017", Assert.Throws<MemLoadException>(() => whole.Slice(0, 4, TensorSplit.Columns)).Rule.Id);
        Assert.Equal("ML6009", Assert.Throws<MemLoadException>(() => whole.Slice(4, 4, TensorSplit.Rows)).Rule.Id);
    }

    [Theory]
    [InlineData(LazyView.Negative)]
    [InlineData(LazyView.Conjugate)]
    public void A_slice_of_a_lazy_view_has_its_operation(LazyView lazy)
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = [.. Enumerable.Range(1, 4 * 6 * 8).Select(i => (byte)(i % 63))];
        string file = folder.Write("x", bytes);
        var builder = new CheckpointBuilder(file, CheckpointFormat.TorchZip);
        int storage;
        using (CheckpointFileReader reader = CheckpointFileReader.Open(file))
        {
            storage = builder.AddStorage(builder.AddFile(reader), 0, bytes.Length);
        }
        builder.AddTensor(new TensorEntry("a", DType.Complex64, [4, 6], [6, 1], storage, 0, lazy));
        Checkpoint whole = builder.Build();
        foreach (TensorSplit split in Enum.GetValues<TensorSplit>())
        {
            Checkpoint slice = whole.Slice(1, 2, split);
            Assert.Equal(Part(whole.Tensors[0], ElementsOf(whole, whole.Tensors[0]), 1, 2, split), ElementsOf(slice, slice.Tensors[0]));
            RequireLoadable(slice);
        }
    }

    [Fact]
    public void A_slice_can_be_sliced_and_written()
    {
        using var folder = new TemporaryFolder();
        var whole = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.safetensors"));
        Checkpoint quarter = whole.Slice(1, 2, TensorSplit.Columns).Slice(0, 2, TensorSplit.Rows);
        Checkpoint other = whole.Slice(0, 2, TensorSplit.Rows).Slice(1, 2, TensorSplit.Columns);
        string file = folder["quarter.safetensors"];

        CheckpointWriter.Write(quarter, file, CheckpointFormat.Safetensors);

        Assert.Equal(WeightsDigest.Of(other), WeightsDigest.Of(quarter));
        Assert.Equal(WeightsDigest.Of(quarter), WeightsDigest.Of(Checkpoint.Open(file)));
    }

    [Fact]
    public void Impossible_slices_are_refused()
    {
        var request = new LoadRequest { Path = Fixtures.PathOf("tiny/fp32.pth"), Strategy = Strategy.Mmap, Split = TensorSplit.Columns };

        Assert.Equal("ML6018", RuleOf(request));
        Assert.Equal("ML6019", RuleOf(request with { RankCount = 2, Manifest = "/any.json" }));
        Assert.Equal("ML5114", RuleOf(request with { RankCount = 2 }));
        Assert.Equal("none", RuleOf(request with { RankCount = 2, Split = TensorSplit.Rows }));

        static string RuleOf(LoadRequest request)
        {
            try
            {
                using PreparedLoad prepared = PreparedLoad.Prepare(request);
                return prepared.Refusal?.Rule.Id ?? "none";
            }
            catch (MemLoadException e)
            {
                return e.Rule.Id;
            }
        }
    }

    private static void RequireLoadable(Checkpoint slice)
    {
        string expected = WeightsDigest.Of(slice);
        foreach (string deviceName in (string[])["cpu", "sim"])
        {
            foreach (Strategy strategy in Strategies.All)
            {
                if (strategy == Strategy.Mmap && slice.Storages.Any(storage => storage.IsInChunks))
                {
                    continue; // refused before
                }
                using IDevice device = DeviceRegistry.Open(deviceName);
                LoadPlan plan = LoadPlan.Create(strategy, slice, device, ringBytes: 32 << 10);
                using LoadedWeights weights = PlanRunner.Run(plan, device);
                Assert.Equal(expected, WeightsDigest.Of(weights));
                Assert.Equal(Forecasts.Of(plan, device).Device, device.Memory);
            }
        }
    }

    [Fact]
    public void A_split_that_is_neither_of_rows_nor_of_columns_is_refused()
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth"));

        Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.Slice(0, 2, (TensorSplit)2));
        Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.Slice(0, 2, (TensorSplit)(-1)));
    }

    // Returns the elements of a slice from those of the whole tensor.
    private static byte[] Part(TensorEntry tensor, byte[] elements, int rank, int count, TensorSplit split)
    {
        int dimension = (int)split;
        if (tensor.Shape.Length <= dimension || elements.Length == 0)
        {
            return elements;
        }
        long each = (tensor.Shape[dimension] + count - 1) / count;
        long inner = tensor.Shape.Skip(dimension + 1).Aggregate((long)tensor.DType.ElementSize(), (product, size) => product * size);
        long outer = tensor.Shape.Take(dimension).Aggregate(1L, (product, size) => product * size);
        int row = (int)(tensor.Shape[dimension] * inner);
        int from = (int)Math.Min(row, each * rank * inner);
        int to = (int)Math.Min(row, each * (rank + 1) * inner);
        return [.. Enumerable.Range(0, (int)outer).SelectMany(i => elements[((i * row) + from)..((i * row) + to)])];
    }

    private static byte[] ElementsOf(Checkpoint checkpoint, TensorEntry tensor)
    {
        using var all = new MemoryStream();
        checkpoint.StreamElements(tensor, all.Write);
        return all.ToArray();
    }
}
