using System.Collections.Immutable;
using System.Security.Cryptography;
using MemLoad.Tests.Corpus;

namespace MemLoad.Tests.Checkpoints;

public sealed class DistributedTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("one-rank", 37)]
    [InlineData("two-ranks", 12)]
    [InlineData("four-ranks", 5)]
    public void A_folder_opens_by_its_path_and_by_the_path_of_its_metadata(string name, int tensors)
    {
        string folder = Fixtures.PathOf("distributed/" + name);
        var checkpoint = Checkpoint.Open(folder);
        var byMetadata = Checkpoint.Open(Path.Combine(folder, ".metadata"));
        Assert.Equal(CheckpointFormat.Distributed, checkpoint.Format);
        Assert.Equal(tensors, checkpoint.Tensors.Length);
        Assert.Equal(folder, byMetadata.Path);
        Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(byMetadata));
    }

    [Fact]
    public void In_the_data_of_the_planner_a_dict_can_have_attributes_and_a_list_cannot()
    {
        DistributedForge forge = DistributedForge.Sound();
        byte[] attributes = PickleForge.Dict(("_metadata", PickleForge.EmptyDict));
        forge.More[0] = (PickleForge.Text("planner_data"), PickleForge.Cat(PickleForge.OrderedDict, attributes, PickleForge.Build));
        forge.Write(_folder.Path);

        Assert.Equal("a", Assert.Single(Checkpoint.Open(_folder.Path).Tensors).Name);
        forge.More[0] = (PickleForge.Text("planner_data"), PickleForge.Cat(PickleForge.EmptyList, attributes, PickleForge.Build));
        forge.Write(_folder.Path);
        Assert.Equal("ML3001", CheckpointKit.Refusal(_folder.Path).Rule.Id);
    }

    [Fact]
    public void A_tensor_without_dimensions_is_one_chunk()
    {
        DistributedForge forge = DistributedForge.Sound().Tensor("s", [], "__0_0.distcp", [], []);
        forge.Write(_folder.Path);
        Assert.Equal(["a", "s"], Checkpoint.Open(_folder.Path).Tensors.Select(tensor => tensor.Name));

        forge.Chunk("s", "__1_0.distcp", [], []).Write(_folder.Path);
        Assert.Equal("ML5105", CheckpointKit.Refusal(_folder.Path).Rule.Id);
    }

    [Fact]
    public void Objects_are_listed_with_their_length_and_not_read()
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf("distributed/two-ranks"));
        Assert.Equal("bytes[864]", checkpoint.Metadata["step"]);
        Assert.Equal(
            ["optim.param_groups.0.betas", "optim.param_groups.0.lr", "step"], checkpoint.Metadata.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_selection_needs_only_its_files_and_chunks()
    {
        Checkpoint model = Checkpoint.Open(Fixtures.PathOf("distributed/two-ranks")).Select(null, ["model.replicated"]);
        Assert.Equal("__1_0.distcp", Path.GetFileName(Assert.Single(model.Files).Path));
        Checkpoint columns = Checkpoint.Open(Fixtures.PathOf("distributed/two-ranks")).Select("model", ["columns.*"]);
        TensorEntry tensor = Assert.Single(columns.Tensors);
        Extent storage = Assert.Single(columns.Storages);
        Assert.Equal("columns.weight", tensor.Name);
        Assert.Equal(2, columns.Files.Length);
        Assert.Equal([0, 8], storage.Chunks.Select(chunk => chunk.Start));
        Assert.All(storage.Chunks, chunk => Assert.Equal(8, chunk.RunBytes));
        Assert.Equal(96, storage.Length);
        Assert.True(storage.IsInRuns);
        Checkpoint rows = Checkpoint.Open(Fixtures.PathOf("distributed/two-ranks")).Select(null, ["model.rows.weight"]);
        Assert.Equal([0, 48], Assert.Single(rows.Storages).Chunks.Select(chunk => chunk.Start));
        Assert.False(rows.Storages[0].IsInRuns);
    }

    [Fact]
    public void Ranks_share_the_tensors()
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf("distributed/two-ranks"));
        string[] names = [.. Enumerable.Range(0, 3).SelectMany(rank => checkpoint.Share(rank, 3).Tensors).Select(tensor => tensor.Name)];
        Assert.Equal(checkpoint.Tensors.Select(tensor => tensor.Name), names);
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void Mmap_refuses_a_tensor_in_chunks_by_a_rule_and_Auto_does_not_choose_it(string device)
    {
        var request = new LoadRequest { Path = Fixtures.PathOf("distributed/two-ranks"), Device = device, Strategy = Strategy.Mmap };
        using var prepared = PreparedLoad.Prepare(request);
        Assert.Equal("ML5114", prepared.Refusal?.Rule.Id);
        Assert.Contains("model.rows.weight", prepared.Refusal!.Message, StringComparison.Ordinal);
        using var whole = PreparedLoad.Prepare(request with { Include = ["model.plain", "model.replicated"] });
        Assert.Null(whole.Refusal);
        using LoadedWeights weights = whole.Load();
        Assert.Equal(WeightsDigest.Of(whole.Checkpoint), WeightsDigest.Of(weights));
        Assert.Contains(LoadPlanner.Forecast([request, request with { Strategy = Strategy.Stream }]), row =>
            row.Message?.StartsWith("ML5114", StringComparison.Ordinal) == true);
    }

    // Shapes of few dimensions, split into grids and into boxes that do not form a grid.
    [Fact]
    public void Boxes_tile_a_tensor_exactly_if_each_element_is_in_one()
    {
        var random = new Random(25);
        int sound = 0;
        for (int round = 0; round < 3000; round++)
        {
            ImmutableArray<long> shape = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => (long)random.Next(1, 5))];
            List<ChunkBox> boxes = [new ChunkBox([.. shape.Select(_ => 0L)], shape)];
            for (int cuts = random.Next(5); cuts > 0; cuts--)
            {
                int which = random.Next(boxes.Count);
                (ImmutableArray<long> offsets, ImmutableArray<long> sizes) = (boxes[which].Offsets, boxes[which].Sizes);
                int d = random.Next(shape.Length);
                long at = random.Next((int)sizes[d] + 1);
                boxes[which] = new ChunkBox(offsets, sizes.SetItem(d, at));
                boxes.Add(new ChunkBox(offsets.SetItem(d, offsets[d] + at), sizes.SetItem(d, sizes[d] - at)));
            }
            if (random.Next(2) == 0)
            {
                int which = random.Next(boxes.Count);
                int d = random.Next(shape.Length);
                boxes[which] = random.Next(3) switch
                {
                    0 => new ChunkBox(boxes[which].Offsets, boxes[which].Sizes.SetItem(d, random.Next(6))),
                    1 => new ChunkBox(boxes[which].Offsets.SetItem(d, random.Next(-1, 6)), boxes[which].Sizes),
                    _ => boxes[random.Next(boxes.Count)],
                };
            }
            string? expected = Naive(shape, boxes);
            string? found = Found(() => ChunkTiling.Check("a", shape, boxes, FileBudget.Unlimited()));
            Assert.True(
                expected == found,
                $"{expected} and {found}: ({string.Join(',', shape)}) "
                    + $"{string.Join(' ', boxes.Select(box => $"({string.Join(',', box.Offsets)})+({string.Join(',', box.Sizes)})"))}");
            sound += expected is null ? 1 : 0;
        }
        Assert.InRange(sound, 500, 2900);
    }

    [Fact]
    public void Places_of_a_chunk_are_those_of_its_elements_in_the_tensor()
    {
        var random = new Random(26);
        for (int round = 0; round < 2000; round++)
        {
            ImmutableArray<long> shape = [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => (long)random.Next(1, 5))];
            ImmutableArray<long> offsets = [.. shape.Select(size => (long)random.Next((int)size))];
            ImmutableArray<long> sizes = [.. shape.Select((size, d) => (long)random.Next(1, (int)(size - offsets[d]) + 1))];
            const int Element = 2;
            StorageChunk chunk = StorageChunk.OfBox(3, 100, Element, shape, new ChunkBox(offsets, sizes));
            long[] expected =
            [
                .. Elements(sizes)
                    .Select(index => Element * Flat(shape, [.. index.Select((i, d) => i + offsets[d])]))
                    .SelectMany(at => new[] { at, at + 1 }),
            ];
            Assert.Equal(expected.Length, chunk.Length);
            Assert.Equal(expected, Enumerable.Range(0, expected.Length).Select(i => chunk.PlaceOf(i)));
            Assert.Equal(expected[0], chunk.Start);
            for (long place = 0; place <= Element * ShapeMath.ElementCount(shape) + 1; place++)
            {
                Assert.Equal(expected.Count(one => one < place), chunk.FirstFrom(place));
            }
        }
    }

    [Fact]
    public void A_slice_of_a_chunk_has_the_elements_that_are_in_both()
    {
        var random = new Random(27);
        using var file = new TemporaryFolder();
        byte[] bytes = new byte[4096];
        random.NextBytes(bytes);
        using CheckpointFileReader reader = CheckpointFileReader.Open(file.Write("x", bytes));
        for (int round = 0; round < 2000; round++)
        {
            ImmutableArray<long> shape = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (long)random.Next(1, 5))];
            ChunkBox box = Box(shape);
            ChunkBox slice = Box(shape);
            ChunkBox again = Box(slice.Sizes);
            StorageChunk? chunk = StorageChunk.OfBox(0, 100, 2, shape, box).In(slice)?.In(again);
            long[][] both =
            [
                .. Elements(again.Sizes).Where(index => index.Select((i, d) => i + again.Offsets[d] + slice.Offsets[d])
                    .Zip(box.Offsets, box.Sizes).All(at => at.First >= at.Second && at.First < at.Second + at.Third)),
            ];
            Assert.Equal(both.Length == 0, chunk is null);
            if (chunk is null)
            {
                continue;
            }
            // The bytes of the chunk, in its order, are at these places of the file and of the storage of the slice.
            long[] inFile =
            [
                .. both.SelectMany(index =>
                    Pair(100 + (2 * Flat(box.Sizes, [.. index.Select((i, d) => i + again.Offsets[d] + slice.Offsets[d] - box.Offsets[d])])))
                ),
            ];
            long[] places = [.. both.SelectMany(index => Pair(2 * Flat(again.Sizes, index)))];
            byte[] read = new byte[chunk.Length];
            chunk.Read(reader, 0, read);

            Assert.Equal(inFile.Select(at => bytes[at]), read);
            Assert.Equal(places, Enumerable.Range(0, read.Length).Select(i => chunk.PlaceOf(i)));
            Assert.Equal(inFile[0], chunk.Offset);
            Assert.Equal(places[^1] - places[0] == places.Length - 1, chunk.IsOneRun);
            Assert.Equal(inFile[^1] - inFile[0] == inFile.Length - 1, chunk.IsOnePiece);
        }

        ChunkBox Box(ImmutableArray<long> inside)
        {
            ImmutableArray<long> offsets = [.. inside.Select(size => (long)random.Next((int)size))];
            return new ChunkBox(offsets, [.. inside.Select((size, d) => (long)random.Next(1, (int)(size - offsets[d]) + 1))]);
        }

        static long[] Pair(long at) => [at, at + 1];
    }

    [Fact]
    public void A_large_tensor_of_columns_streams_as_it_loads()
    {
        // The length exceeds one piece of 1 MiB, and the length of the runs does not divide it.
        var forge = new DistributedForge();
        const int Rows = 700;
        const int Width = 1001;
        forge.Tensor("a", [Rows, Width], "0.distcp", [0, 0], [Rows, 1]);
        forge
            .Chunk("a", "1.distcp", [0, 1], [Rows, 997])
            .Chunk("a", "0.distcp", [0, 998], [3, 3])
            .Chunk("a", "2.distcp", [3, 998], [Rows - 3, 3]);
        forge.Write(_folder.Path);
        var checkpoint = Checkpoint.Open(_folder.Path);
        byte[] streamed = new byte[4 * Rows * Width];
        int at = 0;
        checkpoint.StreamElements(checkpoint.Tensors[0], piece =>
        {
            piece.CopyTo(streamed.AsSpan(at));
            at += piece.Length;
        });
        Assert.Equal(streamed.Length, at);
        byte[] expected = new byte[streamed.Length];
        foreach (StorageChunk chunk in checkpoint.Storages[0].Chunks)
        {
            byte[] file = File.ReadAllBytes(checkpoint.Files[chunk.File].Path);
            for (int i = 0; i < chunk.Length; i++)
            {
                expected[chunk.PlaceOf(i)] = file[chunk.Offset + i];
            }
        }
        Assert.Equal(Convert.ToHexString(SHA256.HashData(expected)), Convert.ToHexString(SHA256.HashData(streamed)));
        foreach (string device in new[] { "cpu", "sim" })
        {
            foreach (Strategy strategy in Strategies.All.Where(strategy => strategy != Strategy.Mmap))
            {
                using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = _folder.Path, Device = device, Strategy = strategy });
                Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(model.Weights));
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Elements_that_are_not_aligned_in_the_file_are_not_mapped(int shift)
    {
        var forge = new DistributedForge();
        forge.Described.Add((PickleForge.Text("o"), DistributedForge.Bytes()));
        byte[] record = ZipForge.Torch(pickle: PickleForge.Whole(PickleForge.Text(new string('x', shift))));
        forge.Put("o", "0.distcp", null, record).Tensor("a", [4], "0.distcp", [0], [4]).Write(_folder.Path);
        var checkpoint = Checkpoint.Open(_folder.Path);
        using var host = new HostDevice();
        LoadPlan plan = LoadPlan.Create(Strategy.Mmap, checkpoint, host);
        Assert.Equal(checkpoint.Storages[0].Offset % 4 != 0, plan.Steps.Any(step => step.Kind == StepKind.Copy));
        using LoadedWeights weights = PlanRunner.Run(plan, host);
        Assert.Equal(0, weights["a"].Address % 4);
        Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(weights));
    }

    [Fact]
    public void A_changed_byte_is_found_by_the_checksum_of_its_record()
    {
        string copy = Directory.CreateDirectory(_folder["c"]).FullName;
        foreach (string file in Directory.EnumerateFiles(Fixtures.PathOf("distributed/two-ranks")))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }
        StorageChunk chunk = Checkpoint.Open(copy).Select(null, ["model.columns.weight"]).Storages[0].Chunks[1];
        using (FileStream file = File.OpenWrite(Path.Combine(copy, "__1_0.distcp")))
        {
            file.Position = chunk.Offset + 5;
            file.WriteByte(0x5a);
        }
        WeightVerdict verdict = WeightTester.Test(copy, deep: true);
        Assert.Equal("ML2016", verdict.RuleId);
        Assert.True(WeightTester.Test(copy).IsSound);
    }

    [Fact]
    public void A_metadata_file_of_another_program_does_not_make_a_folder_distributed()
    {
        File.WriteAllText(_folder[".metadata"], "# This file tracks properties of this project.\nversion: 1\n");
        _folder.Write("x.safetensors", SafetensorsCorpus.Sound);
        Assert.Equal(CheckpointFormat.Safetensors, Checkpoint.Open(_folder.Path).Format);
    }

    private static string? Found(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (MemLoadException e)
        {
            return e.Rule.Id;
        }
    }

    // Copies element by element.
    private static string? Naive(ImmutableArray<long> shape, List<ChunkBox> boxes)
    {
        if (boxes.Exists(box => box.Offsets.Select((offset, d) => offset < 0 || offset + box.Sizes[d] > shape[d]).Any(outside => outside)))
        {
            return "ML5104";
        }
        int[] times = new int[ShapeMath.ElementCount(shape)];
        foreach (ChunkBox box in boxes.Where(box => !box.IsEmpty))
        {
            foreach (long[] index in Elements(box.Sizes))
            {
                times[Flat(shape, [.. index.Select((i, d) => i + box.Offsets[d])])]++;
            }
        }
        return times.Any(count => count > 1) ? "ML5105" : times.Any(count => count == 0) ? "ML5106" : null;
    }

    private static IEnumerable<long[]> Elements(ImmutableArray<long> sizes)
    {
        long count = ShapeMath.ElementCount(sizes);
        for (long i = 0; i < count; i++)
        {
            long[] index = new long[sizes.Length];
            long rest = i;
            for (int d = sizes.Length - 1; d >= 0; d--)
            {
                (rest, index[d]) = Math.DivRem(rest, sizes[d]);
            }
            yield return index;
        }
    }

    // HuggingFaceStorageWriter of PyTorch writes a set of files per rank. Their metadata states the start of the pieces.
    [Theory]
    [InlineData("shard-00001-model-00001-of-00001.safetensors", "[0, 0]", "one rank's part")]
    [InlineData("shard-00000-model-00001-of-00001.safetensors", "[2, 0]", "one rank's part")]
    [InlineData("model.safetensors", "[2, 0]", "a piece of tensor 'w'")]
    [InlineData("model.safetensors", "[0, 0]", null)]
    [InlineData("shard-1-model.safetensors", "[0, 0]", null)]
    public void Pieces_of_a_rank_in_safetensors_are_refused_and_whole_tensors_open(string name, string offsets, string? finding)
    {
        string info = """{\"w\": {\"saved_offsets\": """ + offsets + "}}";
        string header =
            $$$"""
            {"__metadata__": {"DCP_SHARDING_INFO": "{{{info}}}", "DCP_VERSION": "1.0"},
            "w": {"dtype": "U8", "shape": [2, 2], "data_offsets": [0, 4]}}
            """;
        using var folder = new TemporaryFolder();
        string path = folder.Write(name, CheckpointKit.Safetensors(header, 4));

        if (finding is null)
        {
            Assert.Equal("w", Assert.Single(Checkpoint.Open(path).Tensors).Name);
            return;
        }
        MemLoadException refusal = CheckpointKit.Refusal(path);
        Assert.Equal("ML5115", refusal.Rule.Id);
        Assert.Contains(finding, refusal.Finding, StringComparison.Ordinal);
        Assert.Contains("consolidate_safetensors_files", refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal("ML5115", CheckpointKit.Refusal(folder.Path).Rule.Id);
        Assert.Equal("ML5115", WeightTester.Test(path).RuleId);
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("""{\"w\": 7}""")]
    [InlineData("""{\"w\": {\"saved_offsets\": [\"2\"]}}""")]
    [InlineData("""{\"w\": {\"saved_offsets\": [2.5]}}""")]
    public void Text_in_another_form_does_not_describe_pieces(string info)
    {
        string header =
            $$$"""{"__metadata__": {"DCP_SHARDING_INFO": "{{{info}}}"}, "w": {"dtype": "U8", "shape": [2, 2], "data_offsets": [0, 4]}}""";
        using var folder = new TemporaryFolder();

        Assert.Equal(
            "w", Assert.Single(Checkpoint.Open(folder.Write("model.safetensors", CheckpointKit.Safetensors(header, 4))).Tensors).Name);
    }

    private static long Flat(ImmutableArray<long> shape, long[] index)
    {
        long flat = 0;
        for (int d = 0; d < shape.Length; d++)
        {
            flat = (flat * shape[d]) + index[d];
        }
        return flat;
    }
}
