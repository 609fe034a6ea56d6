using System.Buffers.Binary;

namespace MemLoad.Fuzz;

/// <summary>
/// The parts of a GGUF file: counts, keys with values, tensors, and the data. The file is written again with correct or incorrect counts
/// and offsets.
/// </summary>
internal sealed class GgufModel
{
    private const uint TextType = 8;
    private const uint ArrayType = 9;
    private const int Alignment = 32;

    private static readonly int[] TypeBytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
    private static readonly uint[] TellingTypes = [0, 1, 2, 8, 12, 24, 30, 39, 41, 42];

    private readonly List<Pair> _pairs = [];
    private readonly List<Tensor> _tensors = [];
    private uint _version = 3;
    private byte[] _data = [];

    private sealed record Pair(byte[] Key, uint Type, byte[] Value);

    private sealed record Tensor(byte[] Name, ulong[] Dims, uint Type, ulong Offset);

    /// <summary>Returns sound files: a model with a tokenizer, a model of many small tensors, and a model without tensors.</summary>
    public static IEnumerable<byte[]> Sound()
    {
        var model = new GgufModel { _data = Bytes(192 + 256 + 288) };
        model._pairs.AddRange([
            new("general.architecture"u8.ToArray(), TextType, Text("llama"u8)),
            new("general.alignment"u8.ToArray(), 4, BitConverter.GetBytes(Alignment)),
            new("llama.rope.freq_base"u8.ToArray(), 6, BitConverter.GetBytes(1e4f)),
            new("a.flag"u8.ToArray(), 7, [1]),
            new("a.long"u8.ToArray(), 10, BitConverter.GetBytes(7UL)),
            new(
                "tokenizer.ggml.tokens"u8.ToArray(),
                ArrayType,
                [.. BitConverter.GetBytes(TextType), .. BitConverter.GetBytes(3UL), .. Text("<s>"u8), .. Text(""u8), .. Text("é"u8)]),
            new(
                "tokenizer.ggml.types"u8.ToArray(),
                ArrayType,
                [.. BitConverter.GetBytes(5), .. BitConverter.GetBytes(3UL), .. new byte[12]]),
        ]);
        model._tensors.AddRange([
            new("output_norm.weight"u8.ToArray(), [8, 6], 0, 0),
            new("token_embd.weight"u8.ToArray(), [32, 7], 8, 192),
            new("blk.0.up"u8.ToArray(), [256, 2], 12, 448),
        ]);
        yield return model.Build();
        var small = new GgufModel { _data = Bytes(9 * Alignment), _version = 2 };
        small._tensors.AddRange(
            Enumerable
                .Range(0, 12)
                .Select(i => new Tensor(
                    [(byte)'t', (byte)('a' + i)], [(ulong)(i % 4), 2], 24, (ulong)Math.Max(0, i - ((i + 3) / 4)) * Alignment)));
        yield return small.Build();
        var empty = new GgufModel();
        empty._pairs.Add(new("a"u8.ToArray(), 0, [1]));
        yield return empty.Build();
    }

    /// <summary>Returns a mutation of a sound file.</summary>
    public static byte[] Mutate(byte[] content, byte[] other, Dice dice)
    {
        GgufModel model = Parse(content);
        for (int times = 1 + (dice.OneIn(3) ? dice.Below(4) : 0); times > 0; times--)
        {
            model.Once(other, dice);
        }
        if (!dice.OneIn(4))
        {
            model.LayOut();
        }
        byte[] file = model.Build(
            dice.OneIn(8) ? dice.Number((ulong)model._tensors.Count) : null, dice.OneIn(8) ? dice.Number((ulong)model._pairs.Count) : null);
        return dice.OneIn(8) ? Fuzz.Bytes.Mutate(file, other, dice) : file;
    }

    private void Once(byte[] other, Dice dice)
    {
        switch (dice.Below(14))
        {
            case 0:
                _version = (uint)dice.Number(_version);
                break;
            case 1 or 2 when _pairs.Count > 0:
                int key = dice.Below(_pairs.Count);
                _pairs[key] = dice.Below(3) switch
                {
                    0 => _pairs[key] with { Key = Fuzz.Bytes.Mutate(_pairs[key].Key, other, dice) },
                    1 => _pairs[key] with { Type = (uint)(dice.OneIn(2) ? (ulong)dice.Below(14) : dice.Number(_pairs[key].Type)) },
                    _ => _pairs[key] with { Value = Changed(_pairs[key].Value, other, dice) },
                };
                break;
            case 3 when _pairs.Count > 0:
                _pairs.Insert(dice.Below(_pairs.Count), dice.Of(_pairs));
                break;
            case 4 when _pairs.Count > 0:
                _pairs.RemoveAt(dice.Below(_pairs.Count));
                break;
            case 5:
                ulong alignment = dice.Number(Alignment);
                _pairs.RemoveAll(pair => pair.Key.AsSpan().SequenceEqual("general.alignment"u8));
                _pairs.Add(new("general.alignment"u8.ToArray(), 4, BitConverter.GetBytes((uint)alignment)));
                break;
            case 6 when _tensors.Count > 0:
                int shape = dice.Below(_tensors.Count);
                List<ulong> dims = [.. _tensors[shape].Dims];
                if (dims.Count == 0 || dice.OneIn(4))
                {
                    dims.Insert(dice.Below(dims.Count), (ulong)dice.Below(3));
                }
                else
                {
                    int dim = dice.Below(dims.Count);
                    dims[dim] = dice.Number(dims[dim]);
                }
                _tensors[shape] = _tensors[shape] with { Dims = [.. dims] };
                break;
            case 7 when _tensors.Count > 0:
                int type = dice.Below(_tensors.Count);
                _tensors[type] = _tensors[type] with
                {
                    Type = dice.OneIn(2) ? dice.Of(TellingTypes) : (uint)dice.Number(_tensors[type].Type),
                };
                break;
            case 8 when _tensors.Count > 0:
                int offset = dice.Below(_tensors.Count);
                _tensors[offset] = _tensors[offset] with { Offset = dice.Number(_tensors[offset].Offset) };
                break;
            case 9 when _tensors.Count > 0:
                int name = dice.Below(_tensors.Count);
                _tensors[name] = _tensors[name] with { Name = Fuzz.Bytes.Mutate(_tensors[name].Name, other, dice) };
                break;
            case 10 when _tensors.Count > 0:
                _tensors.Insert(dice.Below(_tensors.Count), dice.Of(_tensors));
                break;
            case 11 when _tensors.Count > 1:
                int from = dice.Below(_tensors.Count);
                Tensor moved = _tensors[from];
                _tensors.RemoveAt(from);
                _tensors.Insert(dice.Below(_tensors.Count), moved);
                break;
            case 12:
                _pairs.Add(new("split.count"u8.ToArray(), (uint)dice.Of([2, 4, 5, 8, 10]), BitConverter.GetBytes(dice.Number(1))));
                _pairs.Add(new("split.no"u8.ToArray(), 2, [(byte)dice.Below(3), 0]));
                break;
            default:
                _data = Fuzz.Bytes.Mutate(_data, other, dice);
                break;
        }
    }

    // Returns a value with a changed number, length or byte.
    private static byte[] Changed(byte[] value, byte[] other, Dice dice)
    {
        if (dice.OneIn(2))
        {
            return Fuzz.Bytes.Mutate(value, other, dice);
        }
        byte[] changed = [.. value];
        int width = Math.Min(dice.OneIn(2) ? 8 : 4, changed.Length);
        Fuzz.Bytes.Number(changed.AsSpan(Math.Min(dice.OneIn(2) ? 0 : 4, changed.Length - width), width), dice);
        return changed;
    }

    // Sets the offsets from the sizes of the tensors, if the sizes are valid.
    private void LayOut()
    {
        ulong at = 0;
        for (int i = 0; i < _tensors.Count; i++)
        {
            _tensors[i] = _tensors[i] with { Offset = at };
            (ulong elements, ulong bytes) = _tensors[i].Type switch
            {
                0 => (1UL, 4UL),
                8 => (32UL, 34UL),
                12 => (256UL, 144UL),
                24 => (1UL, 1UL),
                1 or 30 => (1UL, 2UL),
                _ => (32UL, 18UL),
            };
            ulong size = _tensors[i].Dims.Aggregate(1UL, (product, dim) => unchecked(product * dim)) / elements * bytes;
            at = unchecked(at + ((size + Alignment - 1) / Alignment * Alignment));
        }
        if (at < 1 << 14)
        {
            System.Array.Resize(ref _data, (int)at);
        }
    }

    private byte[] Build(ulong? tensors = null, ulong? pairs = null)
    {
        var file = new List<byte>([
            .. "GGUF"u8,
            .. BitConverter.GetBytes(_version),
            .. BitConverter.GetBytes(tensors ?? (ulong)_tensors.Count),
            .. BitConverter.GetBytes(pairs ?? (ulong)_pairs.Count),
        ]);
        foreach (Pair pair in _pairs)
        {
            file.AddRange([.. Text(pair.Key), .. BitConverter.GetBytes(pair.Type), .. pair.Value]);
        }
        foreach (Tensor tensor in _tensors)
        {
            file.AddRange([
                .. Text(tensor.Name),
                .. BitConverter.GetBytes(tensor.Dims.Length),
                .. tensor.Dims.SelectMany(BitConverter.GetBytes),
                .. BitConverter.GetBytes(tensor.Type),
                .. BitConverter.GetBytes(tensor.Offset),
            ]);
        }
        file.AddRange(new byte[(Alignment - (file.Count % Alignment)) % Alignment]);
        file.AddRange(_data);
        return [.. file];
    }

    private static GgufModel Parse(byte[] content)
    {
        int at = 4;
        var model = new GgufModel { _version = (uint)Number(4) };
        ulong tensors = Number(8);
        ulong pairs = Number(8);
        for (ulong i = 0; i < pairs; i++)
        {
            byte[] key = Take((int)Number(8));
            uint type = (uint)Number(4);
            int start = at;
            GoOver(type);
            model._pairs.Add(new(key, type, content[start..at]));
        }
        for (ulong i = 0; i < tensors; i++)
        {
            byte[] name = Take((int)Number(8));
            ulong[] dims = [.. Enumerable.Range(0, (int)Number(4)).Select(_ => Number(8))];
            model._tensors.Add(new(name, dims, (uint)Number(4), Number(8)));
        }
        model._data = content[((at + Alignment - 1) / Alignment * Alignment)..];
        return model;

        ulong Number(int width) =>
            width == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(Take(4)) : BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

        byte[] Take(int count)
        {
            at += count;
            return content[(at - count)..at];
        }

        void GoOver(uint type)
        {
            switch (type)
            {
                case TextType:
                    Take((int)Number(8));
                    break;
                case ArrayType:
                    uint element = (uint)Number(4);
                    for (ulong left = Number(8); left > 0; left--)
                    {
                        GoOver(element);
                    }
                    break;
                default:
                    at += TypeBytes[type];
                    break;
            }
        }
    }

    private static byte[] Text(ReadOnlySpan<byte> text) => [.. BitConverter.GetBytes((ulong)text.Length), .. text];

    private static byte[] Bytes(int length) => [.. Enumerable.Range(1, length).Select(i => (byte)i)];
}
