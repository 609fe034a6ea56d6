using System.Buffers.Binary;

namespace MemLoad.Fuzz;

/// <summary>Creates the mutated checkpoint of a seed and an index. The result is always the same.</summary>
internal static class Mutator
{
    private static readonly byte[][] Pickles = [.. Seeds.All[FuzzFormat.Zip].Select(seed => ZipModel.Parse(seed.Files[0].Content)!)
        .Select(zip => zip.Records.Single(record => record.Text.EndsWith("/data.pkl", StringComparison.Ordinal)).Data)];

    private static readonly byte[][] Metadata =
    [
        .. Seeds.All[FuzzFormat.Distributed].Select(seed => seed.Files.Single(file => file.Name == ".metadata").Content),
    ];

    public static FuzzInput Make(FuzzFormat format, ulong seed, ulong index)
    {
        var dice = new Dice(seed + ((ulong)format * 0x1000003), index);
        IReadOnlyList<FuzzInput> seeds = Seeds.All[format];
        FuzzInput sound = dice.Of(seeds);
        FuzzInput other = dice.Of(seeds);
        List<FuzzFile> files = [.. sound.Files];
        int i = dice.Below(files.Count);
        if (files.Count > 1 && dice.OneIn(10))
        {
            Rearrange(files, i, dice);
        }
        else
        {
            FuzzFile file = files[i];
            byte[] stranger = dice.Of(other.Files).Content;
            byte[] content = dice.OneIn(4) ? Bytes.Mutate(file.Content, stranger, dice) : Structured(file, stranger, dice);
            files[i] = file with { Content = content.Length > 1 << 17 ? content[..(1 << 17)] : content };
        }
        return sound with { Files = files };
    }

    private static byte[] Structured(FuzzFile file, byte[] other, Dice dice)
    {
        byte[] content = file.Content;
        if (file.Name == ".metadata")
        {
            return PickleOps.Mutate(content, Metadata, dice);
        }
        if (file.Name.EndsWith(".distcp", StringComparison.Ordinal))
        {
            return Records(content, dice);
        }
        if (content.AsSpan().StartsWith("PK\x03\x04"u8))
        {
            var zip = ZipModel.Parse(content)!;
            return zip.Mutate(Pickles, ZipModel.Parse(other) ?? zip, dice);
        }
        if (content.AsSpan().StartsWith("GGUF"u8))
        {
            return GgufModel.Mutate(content, other, dice);
        }
        if (content[0] == '{')
        {
            return JsonTokens.Mutate(content, dice);
        }
        return content[0] == 0x80 && content.Length > 8 && content[8] != '{'
            ? Legacy.Mutate(content, Pickles, dice)
            : Safetensors(content, dice);
    }

    // Mutates one record of a data file. The record keeps its length, so that the others keep their positions, unless the mutation has
    // another length.
    private static byte[] Records(byte[] content, Dice dice)
    {
        const int EndBytes = 22;
        var ends = new List<int>();
        for (int at = 0; content.AsSpan(at).IndexOf("PK\x05\x06"u8) is int found and >= 0;)
        {
            at += found + EndBytes;
            ends.Add(at);
        }
        int which = dice.Below(ends.Count);
        int start = which == 0 ? 0 : ends[which - 1];
        if (ZipModel.Parse(content[start..ends[which]]) is not ZipModel record)
        {
            return Bytes.Mutate(content, content, dice);
        }
        byte[] mutated = record.Mutate(Pickles, record, dice);
        return mutated.Length == ends[which] - start || dice.OneIn(3)
            ? [.. content[..start], .. mutated, .. content[ends[which]..]]
            : Bytes.Mutate(content, content, dice);
    }

    private static byte[] Safetensors(byte[] content, Dice dice)
    {
        int length = BinaryPrimitives.ReadInt32LittleEndian(content);
        byte[] header = content[8..(8 + length)];
        byte[] data = content[(8 + length)..];
        ulong stated = (ulong)length;
        switch (dice.Below(8))
        {
            case 0:
                stated = dice.Number(stated);
                break;
            case 1:
                data = Bytes.Mutate(data, header, dice);
                break;
            default:
                header = JsonTokens.Mutate(header, dice);
                stated = dice.OneIn(16) ? stated : (ulong)header.Length;
                break;
        }
        return [.. BitConverter.GetBytes(stated), .. header, .. data];
    }

    private static void Rearrange(List<FuzzFile> files, int i, Dice dice)
    {
        FuzzFile file = files[i];
        switch (dice.Below(4))
        {
            case 0:
                files.RemoveAt(i);
                break;
            case 1:
                files.Add(file with { Name = "copy" + Path.GetExtension(file.Name) });
                break;
            case 2:
                files[i] = file with { Content = dice.Of(files).Content };
                break;
            default:
                files.Add(
                    new FuzzFile(
                        dice.Of(["a.index.json", "b.pt", "c.bin", "d.safetensors", ".hidden.pt", "e.txt"]),
                        dice.OneIn(2) ? [] : dice.Of(files).Content));
                break;
        }
    }
}
