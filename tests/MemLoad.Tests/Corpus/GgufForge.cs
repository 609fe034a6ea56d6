using System.Buffers.Binary;
using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// Writes GGUF field by field, from the specification and gguf.cpp. It shares no code with the reader. Every field can be incorrect.
/// </summary>
internal sealed class GgufForge
{
    private readonly List<Pair> _pairs = [];
    private readonly List<Info> _tensors = [];

    public uint Version { get; set; } = 3;

    /// <summary>The counts that the header states; null for the real counts.</summary>
    public ulong? TensorCount { get; set; }

    public ulong? PairCount { get; set; }

    /// <summary>The alignment that tensors get. <see cref="Key(string, uint, byte[])"/> states it.</summary>
    public int Alignment { get; set; } = 32;

    /// <summary>Whether padding follows the last tensor, as llama.cpp writes it.</summary>
    public bool PadsLast { get; set; } = true;

    /// <summary>The type numbers, the elements of a block and the bytes of a block, from ggml-common.h by sizeof.</summary>
    public static IReadOnlyList<(uint Number, string Name, int Elements, int Bytes)> Types { get; } =
    [
        (0, "float32", 1, 4),
        (1, "float16", 1, 2),
        (2, "Q4_0", 32, 2 + 16),
        (3, "Q4_1", 32, 2 + 2 + 16),
        (6, "Q5_0", 32, 2 + 4 + 16),
        (7, "Q5_1", 32, 2 + 2 + 4 + 16),
        (8, "Q8_0", 32, 2 + 32),
        (9, "Q8_1", 32, 2 + 2 + 32),
        (10, "Q2_K", 256, 16 + 64 + 4),
        (11, "Q3_K", 256, 32 + 64 + 12 + 2),
        (12, "Q4_K", 256, 4 + 12 + 128),
        (13, "Q5_K", 256, 4 + 12 + 32 + 128),
        (14, "Q6_K", 256, 128 + 64 + 16 + 2),
        (15, "Q8_K", 256, 4 + 256 + 32),
        (16, "IQ2_XXS", 256, 2 + 64),
        (17, "IQ2_XS", 256, 2 + 64 + 8),
        (18, "IQ3_XXS", 256, 2 + 96),
        (19, "IQ1_S", 256, 2 + 32 + 16),
        (20, "IQ4_NL", 32, 2 + 16),
        (21, "IQ3_S", 256, 2 + 64 + 8 + 32 + 4),
        (22, "IQ2_S", 256, 2 + 64 + 8 + 8),
        (23, "IQ4_XS", 256, 2 + 2 + 4 + 128),
        (24, "int8", 1, 1),
        (25, "int16", 1, 2),
        (26, "int32", 1, 4),
        (27, "int64", 1, 8),
        (28, "float64", 1, 8),
        (29, "IQ1_M", 256, 32 + 16 + 8),
        (30, "bfloat16", 1, 2),
        (34, "TQ1_0", 256, 48 + 4 + 2),
        (35, "TQ2_0", 256, 64 + 2),
        (39, "MXFP4", 32, 1 + 16),
        (40, "NVFP4", 64, 4 + 32),
        (41, "Q1_0", 128, 2 + 16),
        (42, "Q2_0", 64, 2 + 16),
    ];

    private sealed record Pair(byte[] Key, uint Type, byte[] Value);

    private sealed record Info(byte[] Name, ulong[] Dims, uint Type, byte[] Data, ulong? Offset, uint? DimCount);

    public static byte[] One(params uint[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    public static byte[] Long(ulong value) => BitConverter.GetBytes(value);

    public static byte[] Text(string text) => Text(Encoding.UTF8.GetBytes(text));

    public static byte[] Text(byte[] text) => [.. Long((ulong)text.Length), .. text];

    /// <summary>Adds an array: element type, count, elements.</summary>
    public static byte[] Array(uint type, ulong count, params byte[][] elements) =>
        [.. One(type), .. Long(count), .. elements.SelectMany(element => element)];

    public GgufForge Key(string key, uint type, byte[] value) => Key(Encoding.UTF8.GetBytes(key), type, value);

    public GgufForge Key(byte[] key, uint type, byte[] value)
    {
        _pairs.Add(new Pair(key, type, value));
        return this;
    }

    public GgufForge Key(string key, string value) => Key(key, 8, Text(value));

    public GgufForge Key(string key, uint value) => Key(key, 4, One(value));

    public GgufForge Tensor(string name, uint type, ulong[] dims, byte[] data, ulong? offset = null, uint? dimCount = null) =>
        Tensor(Encoding.UTF8.GetBytes(name), type, dims, data, offset, dimCount);

    public GgufForge Tensor(byte[] name, uint type, ulong[] dims, byte[] data, ulong? offset = null, uint? dimCount = null)
    {
        _tensors.Add(new Info(name, dims, type, data, offset, dimCount));
        return this;
    }

    /// <summary>The header alone, without the padding after it.</summary>
    public byte[] Header()
    {
        var file = new List<byte>();
        file.AddRange("GGUF"u8);
        file.AddRange(One(Version));
        file.AddRange(Long(TensorCount ?? (ulong)_tensors.Count));
        file.AddRange(Long(PairCount ?? (ulong)_pairs.Count));
        foreach (Pair pair in _pairs)
        {
            file.AddRange([.. Text(pair.Key), .. One(pair.Type), .. pair.Value]);
        }
        ulong at = 0;
        foreach (Info tensor in _tensors)
        {
            file.AddRange([
                .. Text(tensor.Name),
                .. One(tensor.DimCount ?? (uint)tensor.Dims.Length),
                .. tensor.Dims.SelectMany(Long),
                .. One(tensor.Type),
                .. Long(tensor.Offset ?? at),
            ]);
            at += (ulong)(tensor.Data.Length + Padding(tensor.Data.Length));
        }
        return [.. file];
    }

    public byte[] Build()
    {
        byte[] header = Header();
        var file = new List<byte>(header);
        file.AddRange(new byte[Padding(header.Length)]);
        for (int i = 0; i < _tensors.Count; i++)
        {
            file.AddRange(_tensors[i].Data);
            if (PadsLast || i < _tensors.Count - 1)
            {
                file.AddRange(new byte[Padding(_tensors[i].Data.Length)]);
            }
        }
        return [.. file];
    }

    /// <summary>The same file with the bytes of numbers reversed, as tests need it: magic, version and counts.</summary>
    public byte[] BigEndianHead()
    {
        byte[] file = Build();
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(4), Version);
        file.AsSpan(8, 8).Reverse();
        file.AsSpan(16, 8).Reverse();
        return file;
    }

    /// <summary>A small sound model: two keys, a tokenizer, three tensors.</summary>
    public static GgufForge Model() => new GgufForge()
        .Key("general.architecture", "llama").Key("llama.block_count", 2u)
        .Key("tokenizer.ggml.tokens", 9, Array(8, 3, Text("<s>"), Text("é"), Text("")))
        .Key("tokenizer.ggml.scores", 9, Array(6, 3, new byte[12]))
        .Tensor("token_embd.weight", 8, [64, 3], Content(3 * 2 * 34, 1))
        .Tensor("output_norm.weight", 0, [6], Content(24, 2))
        .Tensor("blk.0.ffn_up.weight", 12, [256, 2], Content(2 * 144, 3));

    public static byte[] Content(int length, int seed)
    {
        byte[] content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }

    private int Padding(int length) => (Alignment - (length % Alignment)) % Alignment;
}
