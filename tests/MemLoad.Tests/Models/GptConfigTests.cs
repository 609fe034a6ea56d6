using System.Collections.Immutable;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Models;

public sealed class GptConfigTests
{
    public static TheoryData<string> Sizes => [.. GptConfig.Sizes];

    // The number of parameters in PyTorch: sum(p.numel() for p in GPTModel(cfg).parameters()).
    [Theory]
    [InlineData("gpt2-small", 163_037_184, 12)]
    [InlineData("gpt2-medium", 406_286_336, 24)]
    [InlineData("gpt2-large", 838_359_040, 36)]
    [InlineData("gpt2-xl", 1_638_022_400, 48)]
    public void A_published_size_has_the_parameters_and_masks_it_has_in_PyTorch(string size, long parameters, int masks)
    {
        Assert.True(GptConfig.TryFromSize(size, out GptConfig? config));

        TensorSpec[] tensors = [.. config.ToSpec().Tensors];

        Assert.Equal(parameters, tensors.Where(tensor => !tensor.IsBuffer).Sum(tensor => ShapeMath.ElementCount(tensor.Shape)));
        Assert.Equal(masks, tensors.Count(tensor => tensor.IsBuffer));
        Assert.All(tensors.Where(tensor => tensor.IsBuffer), mask => Assert.Equal([1024, 1024], mask.Shape.ToArray()));
        Assert.Equal(size, config.SizeName);
    }

    [Theory]
    [InlineData("tiny/fp32.pth", DType.Float32)]
    [InlineData("tiny/bf16.pth", DType.BFloat16)]
    public void The_state_dict_has_the_names_of_PyTorch_in_order(string fixture, DType dtype)
    {
        IEnumerable<string> expected = Fixtures.Expected(fixture).GetProperty("tensors").EnumerateArray().Select(tensor =>
            $"{tensor.GetProperty("name")} {tensor.GetProperty("dtype")} {string.Join('x', tensor.GetProperty("shape").EnumerateArray())}");

        ModelSpec spec = TinyGpt.Config.ToSpec(dtype);

        Assert.Equal(expected, spec.Tensors.Select(tensor => $"{tensor.Name} {tensor.DType.TorchName()} {string.Join('x', tensor.Shape)}"));
        Assert.Equal("GPTModel", spec.Name);
    }

    [Fact]
    public void Sizes_are_found_in_any_case_and_other_names_are_not()
    {
        Assert.True(GptConfig.TryFromSize("GPT2-XL", out GptConfig? config));
        Assert.Equal(new GptConfig(50257, 1024, 1600, 48, 25), config);
        Assert.False(GptConfig.TryFromSize("gpt2", out _));
        Assert.Null((config with { ContextLength = 256 }).SizeName);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void A_published_size_is_inferred_whole_from_names_and_shapes(string size)
    {
        GptConfig.TryFromSize(size, out GptConfig? config);
        Assert.Equal(config, GptConfig.Infer(Entries(config!), heads: null));
    }

    [Fact]
    public void Every_config_is_inferred_from_its_own_state_dict_once_heads_are_given()
    {
        Gen<GptConfig> configs =
            from vocabulary in Gen.Choose(1, 300)
            from context in Gen.Choose(1, 40)
            from heads in Gen.Choose(1, 6)
            from headSize in Gen.Choose(1, 20)
            from layers in Gen.Choose(1, 13)
            from bias in Gen.Elements(true, false)
            select new GptConfig(vocabulary, context, heads * headSize, layers, heads, bias);

        Prop.ForAll(configs.ToArbitrary(), config => GptConfig.Infer(Entries(config).Reverse(), config.HeadCount) == config)
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Names_outside_the_model_are_ignored()
    {
        TensorEntry[] others = [Entry("optimizer.step", []), Entry("trf_blocks.x.norm1.scale", [3]), Entry("trf_blocks.7", [3])];
        TensorEntry[] tensors = [.. Entries(TinyGpt.Config), .. others];
        Assert.Equal(TinyGpt.Config, GptConfig.Infer(tensors, 3));
    }

    [Theory]
    [InlineData("tok_emb.weight")]
    [InlineData("pos_emb.weight")]
    [InlineData("trf_blocks.0.")]
    public void Another_model_is_refused_with_the_first_missing_name(string missing)
    {
        var refusal = Assert.Throws<MemLoadException>(
            () => GptConfig.Infer(Entries(TinyGpt.Config).Where(tensor => !tensor.Name.StartsWith(missing, StringComparison.Ordinal)), 3));

        Assert.Equal("ML6021", refusal.Rule.Id);
        Assert.Contains(missing, refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gap_between_blocks_is_refused_also_with_a_forged_index()
    {
        TensorEntry[] tensors = [.. Entries(TinyGpt.Config), Entry("trf_blocks.2000000000.norm1.scale", [24])];
        var refusal = Assert.Throws<MemLoadException>(() => GptConfig.Infer(tensors, 3));
        Assert.Contains("trf_blocks.2.", refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void An_embedding_of_another_shape_is_refused()
    {
        TensorEntry[] tensors =
            [.. Entries(TinyGpt.Config).Select(tensor => tensor.Name == "pos_emb.weight" ? Entry(tensor.Name, [16, 24, 1]) : tensor)];
        Assert.Equal("ML6021", Assert.Throws<MemLoadException>(() => GptConfig.Infer(tensors, 3)).Rule.Id);
    }

    [Fact]
    public void The_error_for_an_unknown_number_of_heads_asks_for_it()
    {
        var refusal = Assert.Throws<MemLoadException>(() => GptConfig.Infer(Entries(TinyGpt.Config), heads: null));
        Assert.Equal("ML6020", refusal.Rule.Id);
        Assert.Contains("--heads", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    [InlineData(-3)]
    public void Heads_that_do_not_divide_the_embedding_are_refused(int heads) =>
        Assert.Equal("ML6022", Assert.Throws<MemLoadException>(() => GptConfig.Infer(Entries(TinyGpt.Config), heads)).Rule.Id);

    [Theory]
    [InlineData(0, 16, 24, 2)]
    [InlineData(101, 0, 24, 2)]
    [InlineData(101, 16, 0, 2)]
    [InlineData(101, 16, 24, 0)]
    public void A_model_with_a_dimension_of_zero_is_refused(int vocabulary, int context, int embedding, int layers) =>
        Assert.Equal(
            "ML6022", Assert.Throws<MemLoadException>(() => new GptConfig(vocabulary, context, embedding, layers, 1).ToSpec()).Rule.Id);

    private static IEnumerable<TensorEntry> Entries(GptConfig config) =>
        config.ToSpec().Tensors.Select(tensor => Entry(tensor.Name, tensor.Shape));

    private static TensorEntry Entry(string name, ImmutableArray<long> shape) =>
        new(name, DType.Float32, shape, ShapeMath.ContiguousStrides(shape), 0, 0);
}

/// <summary>The model of <c>fixtures/tiny</c>, which PyTorch wrote and ran.</summary>
internal static class TinyGpt
{
    public static GptConfig Config { get; } = new(101, 16, 24, 2, 3);

    public static int[] TokenIds { get; } = [1, 2, 3];

    public static float[] Logits { get; } = JsonDocument.Parse(File.ReadAllText(Fixtures.PathOf("tiny/logits.json")))
        .RootElement.GetProperty("logits").Deserialize<float[]>()!;

    public static HostWeights Load(string fixture) => HostWeights.From(Checkpoint.Open(Fixtures.PathOf(fixture)));
}
