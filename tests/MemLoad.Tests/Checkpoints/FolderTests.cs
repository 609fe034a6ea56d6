using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

/// <summary>The names of the files determine the kind of a folder. Complete readings open. Every other folder is refused by name.</summary>
public sealed class FolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private void Fill(params string[] names)
    {
        for (int i = 0; i < names.Length; i++)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder[names[i]])!);
            if (names[i].EndsWith(".safetensors", StringComparison.Ordinal) || names[i].EndsWith(".sft", StringComparison.Ordinal))
            {
                _folder.Write(names[i], SafetensorsOfBytes(($"t{i}", 2), ($"u{i}", 1)));
            }
            else
            {
                _folder.CopyFixture("tiny/fp32.pth", names[i]);
            }
        }
    }

    [Theory]
    [InlineData("model-00001-of-00004.safetensors", 4)]
    [InlineData("model-00004-of-00004.safetensors", 4)]
    [InlineData("pytorch_model-00002-of-00003.bin", 3)]
    [InlineData("diffusion_pytorch_model-00001-of-00002.fp16.safetensors", 2)]
    [InlineData("diffusion_pytorch_model.fp16-00002-of-00002.safetensors", 2)]
    [InlineData("model_1_of_2.pth", 2)]
    [InlineData("00001-of-00002.ckpt", 2)]
    [InlineData("tf.Model-00000-of-00003.PT", 3)]
    public void One_part_of_a_set_is_refused_as_a_folder_and_opens_as_a_file(string name, int count)
    {
        Fill(name);

        MemLoadException refusal = Refusal(_folder.Path);

        Assert.Equal("ML5015", refusal.Rule.Id);
        Assert.Contains($"{count - 1} of {count} parts", refusal.Finding, StringComparison.Ordinal);
        Assert.Contains(_folder[name], refusal.Remedy, StringComparison.Ordinal);
        WeightVerdict verdict = WeightTester.Test(_folder.Path);
        Assert.Equal(("Unsound", "ML5015"), (verdict.Verdict, verdict.RuleId));
        char[] digits = [.. name.Split("of")[0].Where(char.IsAsciiDigit)];
        int part = name.Contains("00000", StringComparison.Ordinal) ? 0 : int.Parse(digits.AsSpan()[^1..]);
        Assert.Contains(
            $"part {part} of {count}",
            Assert.Single(Checkpoint.Open(_folder[name]).Findings),
            StringComparison.Ordinal);
    }

    // The whole set opens, and every smaller subset of it is refused.
    [Theory]
    [InlineData("model-0000{0}-of-00003.safetensors", 1)]
    [InlineData("model-0000{0}-of-00003.safetensors", 0)]
    public void A_set_opens_only_if_it_is_complete(string pattern, int first)
    {
        string[] all = [.. Enumerable.Range(first, 3).Select(i => string.Format(null, pattern, i))];
        for (int subset = 1; subset < 8; subset++)
        {
            if (first == 0 && (subset & 1) == 0)
            {
                continue; // without part 0 the parts count from 1
            }
            foreach (string file in Directory.GetFiles(_folder.Path))
            {
                File.Delete(file);
            }
            Fill([.. all.Where((_, i) => (subset & (1 << i)) != 0)]);

            if (subset == 7)
            {
                Assert.Equal(6, Checkpoint.Open(_folder.Path).Tensors.Length);
            }
            else
            {
                Assert.Equal("ML5015", Refusal(_folder.Path).Rule.Id);
            }
        }
    }

    [Fact]
    public void A_set_of_a_million_parts_by_its_name_is_refused_in_little_memory()
    {
        Fill("model-000001-of-999999.safetensors");
        long before = GC.GetAllocatedBytesForCurrentThread();

        MemLoadException refusal = Refusal(_folder.Path);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Contains("999998 of 999999", refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void One_name_in_two_parts_is_refused()
    {
        _folder.Write("m-1-of-2.safetensors", SafetensorsOfBytes(("x", 1)));
        _folder.Write("m-2-of-2.safetensors", SafetensorsOfBytes(("x", 1)));

        Assert.Equal("ML6001", Refusal(_folder.Path).Rule.Id);
    }

    [Theory]
    [InlineData("consolidated.00.pth", "consolidated.01.pth")]
    [InlineData("consolidated.01.pth")]
    [InlineData("mp_rank_00_model_states.pt", "mp_rank_01_model_states.pt")]
    [InlineData("zero_pp_rank_0_mp_rank_00_model_states.pt")]
    [InlineData("zero_pp_rank_0_mp_rank_00_model_states.pt", "zero_pp_rank_1_mp_rank_00_model_states.pt")]
    [InlineData("model_world_size_8_rank_0.pt")]
    [InlineData(
        "model_world_size_2_rank_0.pt",
        "model_world_size_2_rank_1.pt",
        "optim_world_size_2_rank_0.pt",
        "extra_state_world_size_2_rank_0.pt")]
    [InlineData("pytorch_model_fsdp_rank0.bin", "pytorch_model_fsdp_rank1.bin")]
    public void Files_of_several_processes_are_named(params string[] names)
    {
        Fill(names);

        Assert.Equal("ML5016", Refusal(_folder.Path).Rule.Id);
        Assert.Equal("Unsound", WeightTester.Test(_folder.Path).Verdict);
    }

    [Fact]
    public void The_checklist_of_Llama_states_the_number_of_parts()
    {
        Fill("consolidated.00.pth");
        Assert.NotEmpty(Checkpoint.Open(_folder.Path).Tensors);

        _folder.Write("checklist.chk", "0123 consolidated.00.pth\n4567 consolidated.01.pth\n89ab params.json\n");

        Assert.Equal("ML5016", Refusal(_folder.Path).Rule.Id);
    }

    [Theory]
    [InlineData("model.safetensors", "optimizer.bin", "scheduler.bin", "sampler.bin", "scaler.pt")]
    [InlineData("pytorch_model.bin", "optimizer_1.bin", "rng_state_0.pth", "rng_state_1.pth", "training_args.bin")]
    [InlineData("last.ckpt", "optimizer.pt")]
    [InlineData("mp_rank_00_model_states.pt", "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt")]
    [InlineData("model.safetensors", "pytorch_model.bin")]
    [InlineData("adapter_model.safetensors", "adapter_model.bin")]
    [InlineData("diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.fp16.bin")]
    public void The_model_opens_and_the_other_files_of_a_trainer_are_named(string model, params string[] others)
    {
        Fill([model, .. others]);

        var checkpoint = Checkpoint.Open(_folder.Path);

        Assert.Equal(_folder[model], checkpoint.Path);
        string finding = Assert.Single(checkpoint.Findings);
        Assert.All(others, other => Assert.Contains($"'{other}'", finding, StringComparison.Ordinal));
        Assert.Equal(finding, WeightTester.Test(_folder.Path).Warning);
        Assert.Equal(finding, Assert.Single(checkpoint.Select(null, ["*"]).Findings));
    }

    [Theory]
    [InlineData("lora.safetensors", "model.ckpt")]
    [InlineData("a.safetensors", "b.safetensors")]
    [InlineData("model.safetensors", "model.fp16.safetensors")]
    [InlineData("adapter_model.safetensors", "model.safetensors")]
    [InlineData("vae.sft", "unet.sft")]
    public void The_message_for_two_models_has_the_paths_to_choose_from(params string[] names)
    {
        Fill(names);

        MemLoadException refusal = Refusal(_folder.Path);

        Assert.Equal("ML5013", refusal.Rule.Id);
        Assert.All(names, name => Assert.Contains(_folder[name], refusal.Remedy, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("model.safetensors", "model-00001-of-00002.safetensors")]
    [InlineData("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model-00001-of-00003.safetensors")]
    public void A_part_of_another_set_is_not_ignored(params string[] names)
    {
        Fill(names);

        Assert.Equal("ML5013", Refusal(_folder.Path).Rule.Id);
    }

    [Fact]
    public void States_without_a_model_are_not_a_checkpoint()
    {
        Fill("optimizer.pt", "rng_state.pth");

        MemLoadException refusal = Refusal(_folder.Path);

        Assert.Equal("ML5012", refusal.Rule.Id);
        Assert.Contains("'optimizer.pt', 'rng_state.pth' (optimizer state, random state)", refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_one_file_without_tensors_is_not_a_checkpoint()
    {
        _folder.CopyFixture("containers/empty_dict.pth", "x.pth");

        Assert.Equal("ML5012", Refusal(_folder.Path).Rule.Id);
    }

    [Theory]
    [InlineData("global_step10/mp_rank_00_model_states.pt", "ML5016")]
    [InlineData("iter_0000010/mp_rank_00/model_optim_rng.pt", "ML5016")]
    [InlineData("checkpoint-500/model.safetensors", "ML5012")]
    [InlineData("original/consolidated.00.pth", "ML5012")]
    public void Files_in_subfolders_are_named(string name, string rule)
    {
        Fill(name);

        MemLoadException refusal = Refusal(_folder.Path);

        Assert.Equal(rule, refusal.Rule.Id);
        string named = rule == "ML5012" ? Path.GetDirectoryName(_folder[name])! : _folder[name];
        Assert.Contains(named, refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_a_distributed_checkpoint_names_its_folder()
    {
        Fill("__0_0.distcp");

        MemLoadException refusal = Refusal(_folder["__0_0.distcp"]);

        Assert.Equal("ML5017", refusal.Rule.Id);
        Assert.Contains(_folder.Path, refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_per_tensor_folder_may_have_a_tensor_named_like_a_state()
    {
        _folder.CopyFixture("containers/single_tensor.pt", "optimizer.pt");
        _folder.CopyFixture("containers/single_tensor.pt", "a.pt");

        Assert.Equal(["a", "optimizer"], Checkpoint.Open(_folder.Path).Tensors.Select(tensor => tensor.Name));
    }
}
