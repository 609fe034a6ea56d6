using System.Globalization;
using System.Text;
using MemLoad.Tests.Checkpoints;
using MemLoad.Tests.Cli;
using MemLoad.Tests.Corpus;
using MemLoad.Tests.Remote;

namespace MemLoad.Tests.Planning;

/// <summary>
/// The KV cache that a server needs in addition to the weights, for known models and for models with another kind of cache.
/// </summary>
public sealed class KvCacheTests : IDisposable
{
    private const string Llama3 = """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"hidden_size":4096,"intermediate_size":14336,"max_position_embeddings":8192,
        "model_type":"llama","num_attention_heads":32,"num_hidden_layers":32,"num_key_value_heads":8,"pretraining_tp":1,"rope_scaling":null,"rope_theta":500000.0,
        "torch_dtype":"bfloat16","use_cache":true,"vocab_size":128256}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // Bytes of one token in float16, from the published configurations: 2 x layers x heads x head size x 2 bytes.
    [Theory]
    [InlineData(Llama3, 131_072)]
    [InlineData("""{"num_hidden_layers":32,"num_attention_heads":32,"hidden_size":4096}""", 524_288)] // Llama 2 7B: no groups
    [InlineData("""{"num_hidden_layers":80,"num_attention_heads":64,"num_key_value_heads":8,"hidden_size":8192}""", 327_680)] // Llama 3 70B
    [InlineData(
        """
        {"num_hidden_layers":28,"num_attention_heads":16,"num_key_value_heads":8,"hidden_size":1024,"head_dim":128,
        "sliding_window":null,"use_sliding_window":false}
        """,
        114_688)] // Qwen3 0.6B
    [InlineData(
        """
        {"num_hidden_layers":24,"num_attention_heads":14,"num_key_value_heads":2,"hidden_size":896,"sliding_window":32768,
        "max_window_layers":21,"use_sliding_window":false}
        """,
        12_288)] // Qwen2 0.5B
    [InlineData(
        """{"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"hidden_size":4096,"sliding_window":8192}""",
        131_072)] // a window as long as the context
    [InlineData(
        """
        {"architectures":["GPT2LMHeadModel"],"n_layer":12,"n_head":12,"n_embd":768,"n_ctx":1024,"is_decoder":false,
        "is_encoder_decoder":false,"cross_attention_hidden_size":null,"chunk_size_feed_forward":0}
        """,
        36_864)] // GPT-2
    [InlineData(
        """
        {"architectures":["LlavaForConditionalGeneration"],"text_config":{"num_hidden_layers":32,"num_attention_heads":32,
        "num_key_value_heads":8,"hidden_size":4096},"vision_config":{"num_hidden_layers":24,"num_attention_heads":16,"hidden_size":1024,
        "conv_size":3}}
        """,
        131_072)]
    [InlineData(
        """
        {"num_hidden_layers":2,"num_attention_heads":4,"hidden_size":64,"head_dim":24,"v_head_dim":8,"layer_types":["full_attention",
        "full_attention"]}
        """,
        512)]
    public void A_known_model_has_its_known_cache(string config, long bytesPerToken)
    {
        AttentionShape shape = AttentionShape.OfConfig(Fields(config), "config.json", 8192);

        Assert.Equal(bytesPerToken, KvCache.Of(shape, 1, 1, DType.Float16).Bytes);
        Assert.Equal(bytesPerToken * 8192 * 4, KvCache.Of(shape, 8192, 4, DType.BFloat16).Bytes);
        Assert.Equal(bytesPerToken * 2, KvCache.Of(shape, 1, 1, DType.Float32).Bytes);
        Assert.Equal(bytesPerToken / 2, KvCache.Of(shape, 1, 1, DType.Float8E4M3FN).Bytes);
    }

    [Theory]
    [InlineData(
        "ML6041",
        "kv_lora_rank",
        """
        {"num_hidden_layers":61,"num_attention_heads":128,"num_key_value_heads":128,"hidden_size":7168,"kv_lora_rank":512,
        "qk_nope_head_dim":128}
        """
    )]
    [InlineData(
        "ML6041",
        "sliding_window is 4096",
        """{"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"hidden_size":4096,"sliding_window":4096}"""
    )]
    [InlineData(
        "ML6041",
        "sliding_window is 128",
        """
        {"text_config":{"num_hidden_layers":36,"num_attention_heads":64,"num_key_value_heads":8,"hidden_size":2880,
        "sliding_window":128}}
        """
    )]
    [InlineData(
        "ML6041",
        "attention_chunk_size",
        """{"num_hidden_layers":48,"num_attention_heads":40,"num_key_value_heads":8,"hidden_size":5120,"attention_chunk_size":4096}"""
    )]
    [InlineData(
        "ML6041",
        "linear_attention",
        """{"num_hidden_layers":2,"num_attention_heads":4,"hidden_size":64,"layer_types":["linear_attention","full_attention"]}"""
    )]
    [InlineData(
        "ML6041",
        "mamba",
        """{"num_hidden_layers":32,"num_attention_heads":32,"hidden_size":4096,"mamba_d_state":16,"attn_layer_period":8}"""
    )]
    [InlineData(
        "ML6041",
        "cross_attention_layers",
        """
        {"text_config":{"num_hidden_layers":40,"num_attention_heads":32,"num_key_value_heads":8,"hidden_size":4096,
        "cross_attention_layers":[3,8]}}
        """
    )]
    [InlineData(
        "ML6041",
        "is_encoder_decoder",
        """{"num_hidden_layers":6,"num_attention_heads":8,"hidden_size":512,"is_encoder_decoder":true}"""
    )]
    [InlineData("ML6041", "multi_query", """{"num_hidden_layers":32,"num_attention_heads":71,"hidden_size":4544,"multi_query":true}""")]
    [InlineData("ML6041", "num_kv_heads", """{"num_hidden_layers":60,"num_attention_heads":128,"hidden_size":8192,"num_kv_heads":8}""")]
    [InlineData(
        "ML6041",
        "num_kv_shared_layers",
        """{"num_hidden_layers":35,"num_attention_heads":8,"num_key_value_heads":2,"hidden_size":2048,"num_kv_shared_layers":15}"""
    )]
    [InlineData(
        "ML6041",
        "BertForMaskedLM",
        """{"architectures":["BertForMaskedLM"],"num_hidden_layers":12,"num_attention_heads":12,"hidden_size":768}"""
    )]
    [InlineData("ML6040", "no num_hidden_layers", """{"num_attention_heads":32,"hidden_size":4096}""")]
    [InlineData("ML6040", "no num_attention_heads", """{"num_hidden_layers":32,"hidden_size":4096}""")]
    [InlineData("ML6040", "no hidden_size", """{"num_hidden_layers":32,"num_attention_heads":32}""")]
    [InlineData("ML6040", "not a multiple", """{"num_hidden_layers":32,"num_attention_heads":30,"hidden_size":4096}""")]
    [InlineData("ML6040", "num_hidden_layers is '-1'", """{"num_hidden_layers":-1,"num_attention_heads":32,"hidden_size":4096}""")]
    [InlineData("ML6040", "num_hidden_layers is '32'", """{"num_hidden_layers":"32","num_attention_heads":32,"hidden_size":4096}""")]
    [InlineData("ML6040", "no JSON", """{"num_hidden_layers":32,}""")]
    [InlineData("ML6040", "twice", """{"num_hidden_layers":32,"num_hidden_layers":33,"num_attention_heads":32,"hidden_size":4096}""")]
    [InlineData("ML6040", "64 bits", """{"num_hidden_layers":4611686018427387904,"num_attention_heads":32,"hidden_size":4096}""")]
    public void An_unknown_cache_is_refused(string rule, string finding, string config)
    {
        var refusal = Assert.Throws<MemLoadException>(() =>
            KvCache.Of(AttentionShape.OfConfig(Fields(config), "config.json", 8192), 8192, 4, DType.Float16));

        Assert.True(rule == refusal.Rule.Id, refusal.Message);
        if (finding != "no JSON")
        {
            Assert.Contains(finding, refusal.Message, StringComparison.Ordinal);
        }
        Assert.Contains("context", refusal.Remedy, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Keys_of_GGUF_give_the_same_cache()
    {
        GgufForge Model() =>
            Keys(("block_count", 32), ("attention.head_count", 32), ("attention.head_count_kv", 8), ("embedding_length", 4096));

        Assert.Equal(131_072, PerToken(Model()));
        Assert.Equal(524_288, PerToken(Keys(("block_count", 32), ("attention.head_count", 32), ("embedding_length", 4096))));
        Assert.Equal(
            32 * 8 * (192 + 128) * 2, PerToken(Model().Key("llama.attention.key_length", 192).Key("llama.attention.value_length", 128)));
        Assert.Equal(131_072, PerToken(Model().Key("llama.attention.sliding_window", 8192)));
        // The value can have any integer type.
        Assert.Equal(
            131_072,
            PerToken(
                new GgufForge()
                    .Key("general.architecture", "llama")
                    .Key("llama.block_count", 10, BitConverter.GetBytes(32UL))
                    .Key("llama.attention.head_count", 5, BitConverter.GetBytes(32))
                    .Key("llama.attention.head_count_kv", 0, [8])
                    .Key("llama.embedding_length", 2, BitConverter.GetBytes((ushort)4096))));

        Refused("ML6041", "sliding_window", Model().Key("llama.attention.sliding_window", 4096));
        Refused("ML6041", "kv_lora_rank", Model().Key("llama.attention.kv_lora_rank", 512));
        Refused("ML6041", "ssm.state_size", Model().Key("llama.ssm.state_size", 16));
        Refused("ML6041", "causal", Model().Key("llama.attention.causal", 7, [0]));
        Refused(
            "ML6041",
            "differs by layer",
            Keys(("block_count", 2), ("attention.head_count", 32), ("embedding_length", 4096))
                .Key("llama.attention.head_count_kv", 9, GgufForge.Array(5, 2, GgufForge.One(8, 0))));
        Refused("ML6040", "general.architecture", new GgufForge());
        Refused("ML6040", "block_count", Keys(("attention.head_count", 32), ("embedding_length", 4096)));

        static GgufForge Keys(params (string Name, uint Value)[] keys) =>
            keys.Aggregate(new GgufForge().Key("general.architecture", "llama"), (forge, key) => forge.Key("llama." + key.Name, key.Value));
    }

    [Fact]
    public void The_config_must_belong_to_the_model()
    {
        string path = _folder.Write(
            "m.safetensors",
            Shapes(
                ("model.layers.0.self_attn.k_proj.weight", "F16", "[16,8]", 256),
                ("model.layers.1.self_attn.k_proj.weight", "F16", "[16,8]", 256)));
        var request = new LoadRequest
        {
            Path = path,
            Strategy = Strategy.Stream,
            Device = "sim",
            ContextLength = 100,
            Sequences = 3,
        };

        Assert.Equal("ML6040", Assert.Throws<MemLoadException>(() => LoadPlanner.Forecast(request)).Rule.Id);
        foreach ((string config, bool fits) in new[]
        {
            ("""{"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":4,"hidden_size":16}""", true),
            ("""{"num_hidden_layers":1,"num_attention_heads":4,"num_key_value_heads":4,"hidden_size":16}""", false),
            ("""{"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"hidden_size":16}""", false),
        })
        {
            _folder.Write("config.json", config);
            if (fits)
            {
                Assert.Equal(2 * 2 * 16 * 2 * 100 * 3, LoadPlanner.Forecast(request).KvCacheBytes);
                Assert.Equal(
                    "2 x 2 layers x 4 heads x 4 x 2 bytes x 100 tokens x 3 sequences", LoadPlanner.Forecast(request).KvCacheFormula);
            }
            else
            {
                Assert.Equal("ML6042", Assert.Throws<MemLoadException>(() => LoadPlanner.Forecast(request)).Rule.Id);
            }
        }
    }

    [Fact]
    public void The_cache_is_in_no_figure_of_the_load_and_whether_both_fit_is_a_column()
    {
        // 2 x 12 layers x 12 heads x 64 x 2 bytes = 36,864 bytes per token.
        long cache = 36_864L * 1024 * 2;
        var request = new LoadRequest
        {
            Path = null,
            Size = "gpt2-small",
            Strategy = Strategy.Stream,
            Device = "sim",
            DeviceMemoryLimit = 1L << 40,
        };
        LoadForecast plain = LoadPlanner.Forecast(request);
        LoadForecast served = LoadPlanner.Forecast(request with { ContextLength = 1024, Sequences = 2 });

        Assert.Null(plain.KvCacheBytes);
        Assert.Null(plain.FitsWithKvCache);
        Assert.Equal(cache, served.KvCacheBytes);
        Assert.True(served.FitsWithKvCache);
        Assert.Equal(
            plain with
            {
                HostBudgetBytes = 0,
            },
            served with
            {
                KvCacheBytes = null,
                KvCacheFormula = null,
                FitsWithKvCache = null,
                HostBudgetBytes = 0,
            });

        long both = plain.ForecastDeviceBytes + cache;
        Assert.True(LoadPlanner.Forecast(request with { ContextLength = 1024, Sequences = 2, DeviceMemoryLimit = both }).FitsWithKvCache);
        LoadForecast tight = LoadPlanner.Forecast(request with { ContextLength = 1024, Sequences = 2, DeviceMemoryLimit = both - 1 });
        Assert.False(tight.FitsWithKvCache);
        Assert.True(tight.Fits);
        Assert.Null(LoadPlanner.Forecast(request with { ContextLength = 1024, Device = "cpu", DeviceMemoryLimit = null }).FitsWithKvCache);
    }

    [Fact]
    public void The_config_of_a_model_on_a_server_is_fetched()
    {
        _folder.Write("model.safetensors", CheckpointKit.SafetensorsOfBytes(("a", 3)));
        _folder.Write("config.json", Llama3);
        using LocalServer server = LocalServer.OfFolder(_folder.Path);

        CliRun run = CliRun.Of(
            "plan",
            server["model.safetensors?sig=s3cret"],
            "--context-length",
            "8192",
            "--sequences",
            "4",
            "--device",
            "sim",
            "--device-memory-limit",
            "5GB",
            "--strategy",
            "Stream");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains(
            "KV cache on top: 4.00 GiB = 2 x 32 layers x 8 heads x 128 x 2 bytes x 8192 tokens x 4 sequences",
            run.Output,
            StringComparison.Ordinal);
        Assert.Contains("the weights and the KV cache fit the device together: Stream", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", run.Output + run.Error, StringComparison.Ordinal);

        File.Delete(_folder["config.json"]);
        Assert.StartsWith(
            "memload: error ML6040",
            CliRun.Of("plan", server["model.safetensors"], "--context-length", "8192").Error,
            StringComparison.Ordinal);
        Assert.Equal(2, CliRun.Of("plan", server["model.safetensors"], "--sequences", "2").ExitCode);
    }

    private static Dictionary<string, object?> Fields(string config) =>
        StrictJson.ReadScalars(
            Encoding.UTF8.GetBytes(config),
            new JsonRules(Rules.CacheUnknown, Rules.CacheUnknown, Rules.CacheUnknown, Rules.CacheUnknown),
            FileBudget.Unlimited("config.json"));

    private long PerToken(GgufForge model) => LoadPlanner.Forecast(Request(model) with { ContextLength = 1 }).KvCacheBytes!.Value;

    private LoadRequest Request(GgufForge model) =>
        new()
        {
            Path = _folder.Write("m.gguf", model.Tensor("t", 0, [4], new byte[16]).Build()),
            Strategy = Strategy.Stream,
            Device = "sim",
            ContextLength = 8192,
        };

    private void Refused(string rule, string finding, GgufForge model)
    {
        var refusal = Assert.Throws<MemLoadException>(() => LoadPlanner.Forecast(Request(model)));
        Assert.True(rule == refusal.Rule.Id, refusal.Message);
        Assert.Contains(finding, refusal.Finding, StringComparison.Ordinal);
    }

    private static byte[] Shapes(params (string Name, string Type, string Shape, int Bytes)[] tensors)
    {
        int end = 0;
        IEnumerable<string> entries = tensors.Select(tensor => string.Create(
            CultureInfo.InvariantCulture,
            $"\"{tensor.Name}\":{{\"dtype\":\"{tensor.Type}\",\"shape\":{tensor.Shape},"
                + $"\"data_offsets\":[{end},{end += tensor.Bytes}]}}"));
        string header = $"{{{string.Join(',', entries)}}}";
        return CheckpointKit.Safetensors(header, end);
    }
}
