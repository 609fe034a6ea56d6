using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Models;

public sealed class GptModelTests
{
    [Theory]
    [InlineData("tiny/fp32.pth")]
    [InlineData("tiny/legacy.pth")]
    [InlineData("tiny/protocol4.pth")]
    [InlineData("tiny/fp32.safetensors")]
    public void The_logits_are_those_of_PyTorch(string fixture)
    {
        using HostWeights weights = TinyGpt.Load(fixture);

        float[] logits = weights.Forward(TinyGpt.Config, TinyGpt.TokenIds);

        AssertClose(TinyGpt.Logits, logits, 1e-5);
    }

    [Theory]
    [InlineData("tiny/bf16.pth")]
    [InlineData("tiny/bf16.safetensors")]
    [InlineData("tiny/fp16.pth")]
    public void Narrow_weights_give_the_logits_of_the_same_numbers_in_float32_to_the_bit(string fixture)
    {
        using HostWeights narrow = TinyGpt.Load(fixture);
        using HostWeights wide = narrow.As(DType.Float32);
        int[][] inputs = [[7], TinyGpt.TokenIds, [.. Enumerable.Range(40, 16)]];
        foreach (int[] input in inputs)
        {
            Assert.Equal(wide.Forward(TinyGpt.Config, input), narrow.Forward(TinyGpt.Config, input));
        }
        AssertClose(TinyGpt.Logits, narrow.Forward(TinyGpt.Config, TinyGpt.TokenIds), 0.05);
    }

    [Fact]
    public void Any_model_and_input_gives_the_result_of_the_plain_formulas()
    {
        var cases =
            from vocabulary in Gen.Choose(1, 30)
            from tokens in Gen.Choose(1, 20)
            from heads in Gen.Choose(1, 3)
            from headSize in Gen.Elements(1, 3, 8, 11, 33)
            from layers in Gen.Choose(1, 2)
            from bias in Gen.Elements(true, false)
            from dtype in Gen.Elements(DType.Float32, DType.Float16, DType.BFloat16)
            from seed in Gen.Choose(0, 10_000)
            select (config: new GptConfig(vocabulary, 20, heads * headSize, layers, heads, bias), tokens, dtype, seed);

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(25), Prop.ForAll(cases.ToArbitrary(), test =>
        {
            using var weights = HostWeights.From(new GptInitializer(test.config, test.seed, test.dtype));
            int[] ids = [.. Enumerable.Range(0, test.tokens).Select(i => ((i * 7) + test.seed) % test.config.VocabularySize)];

            float[] logits = weights.Forward(test.config, ids);

            AssertClose([.. ReferenceGpt.Forward(test.config, weights, ids).Select(value => (float)value)], logits, 1e-4);
        }));
    }

    [Fact]
    public void A_later_token_leaves_earlier_logits_untouched_to_the_bit()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        int[] ids = [.. Enumerable.Range(0, 16).Select(i => i * 5)];
        float[] before = weights.Forward(TinyGpt.Config, ids);
        for (int changed = 0; changed < ids.Length; changed++)
        {
            float[] after = weights.Forward(TinyGpt.Config, [.. ids.Select((id, i) => i == changed ? 100 : id)]);

            int first = changed * TinyGpt.Config.VocabularySize;
            Assert.Equal(before[..first], after[..first]);
            Assert.NotEqual(before[first..(first + 101)], after[first..(first + 101)]);
        }
    }

    [Fact]
    public void A_prefix_gives_the_same_logits_with_and_without_later_tokens()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        int[] ids = [.. Enumerable.Range(50, 16)];
        float[] all = weights.Forward(TinyGpt.Config, ids);
        for (int length = 1; length < ids.Length; length++)
        {
            AssertClose(all[..(length * 101)], weights.Forward(TinyGpt.Config, ids[..length]), 1e-5);
        }
    }

    // If a loader fills only the parameters, the model runs and gives wrong results.
    [Fact]
    public void A_mask_that_was_never_filled_gives_wrong_logits()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        weights.Float32("trf_blocks.1.att.mask").Clear();

        float[] logits = weights.Forward(TinyGpt.Config, TinyGpt.TokenIds);

        // The last token attends to all others with or without a mask. Earlier tokens must not attend to later tokens.
        int last = 2 * TinyGpt.Config.VocabularySize;
        AssertClose(TinyGpt.Logits[last..], logits[last..], 1e-5);
        Assert.True(LargestDifference(TinyGpt.Logits[..last], logits[..last]) > 0.01);
    }

    [Fact]
    public void Any_value_except_zero_masks_and_a_query_without_keys_is_not_a_number_as_in_PyTorch()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        foreach (string name in new[] { "trf_blocks.0.att.mask", "trf_blocks.1.att.mask" })
        {
            foreach (ref float element in weights.Float32(name))
            {
                element = element == 0 ? -0f : -3.5f;
            }
        }
        Assert.Equal(weights.Forward(TinyGpt.Config, TinyGpt.TokenIds), ForwardTiny());

        weights.Float32("trf_blocks.0.att.mask")[..16].Fill(1);
        float[] logits = weights.Forward(TinyGpt.Config, TinyGpt.TokenIds);
        Assert.All(logits[..101], value => Assert.True(float.IsNaN(value)));

        static float[] ForwardTiny()
        {
            using HostWeights untouched = TinyGpt.Load("tiny/fp32.safetensors");
            return untouched.Forward(TinyGpt.Config, TinyGpt.TokenIds);
        }
    }

    [Theory]
    [InlineData("ML6025", new[] { 1, 101 }, "101 at position 1")]
    [InlineData("ML6025", new[] { -1 }, "-1 at position 0")]
    [InlineData("ML6026", new int[0], "no token ids")]
    [InlineData("ML6026", new[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "17 token ids")]
    public void Tokens_that_the_model_does_not_accept_are_refused(string rule, int[] tokenIds, string finding)
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        var refusal = Assert.Throws<MemLoadException>(() => weights.Forward(TinyGpt.Config, tokenIds));
        Assert.Equal(rule, refusal.Rule.Id);
        Assert.Contains(finding, refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_of_another_shape_or_type_are_refused_before_they_are_read()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        HostTensor bias = weights["trf_blocks.0.ff.layers.0.bias"];

        Assert.Equal("ML6024", Refusal(bias with { Shape = [95] }));
        Assert.Equal("ML6024", Refusal(bias with { Shape = [96, 1] }));
        Assert.Equal("ML6023", Refusal(bias with { DType = DType.Float64 }));

        string Refusal(HostTensor instead) => Assert.Throws<MemLoadException>(
            () => new GptModel(TinyGpt.Config, name => name == "trf_blocks.0.ff.layers.0.bias" ? instead : weights[name])).Rule.Id;
    }

    [Fact]
    public void A_weight_that_is_missing_is_named()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        var refusal = Assert.Throws<MemLoadException>(
            () => new GptModel(TinyGpt.Config, name => name == "trf_blocks.1.att.mask" ? throw new KeyNotFoundException() : weights[name]));
        Assert.Equal("ML6021", refusal.Rule.Id);
        Assert.Contains("'trf_blocks.1.att.mask'", refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pass_can_be_stopped()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        var model = new GptModel(TinyGpt.Config, name => weights[name]);
        Assert.ThrowsAny<OperationCanceledException>(() => model.Forward(TinyGpt.TokenIds, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Several_passes_may_run_at_once()
    {
        using HostWeights weights = TinyGpt.Load("tiny/fp32.safetensors");
        var model = new GptModel(TinyGpt.Config, name => weights[name]);
        float[] expected = model.Forward(TinyGpt.TokenIds);
        Parallel.For(0, 20, _ => Assert.Equal(expected, model.Forward(TinyGpt.TokenIds)));
    }

    private static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(LargestDifference(expected, actual), 0, tolerance);
    }

    private static double LargestDifference(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();
}
