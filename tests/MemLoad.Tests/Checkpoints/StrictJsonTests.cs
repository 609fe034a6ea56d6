using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MemLoad.Tests;

/// <summary>A text that is read from a file in pieces has the same tokens and errors as the same text in memory.</summary>
public sealed class StrictJsonTests : IDisposable
{
    private const int Before = 8; // bytes of the file before the text

    private static readonly JsonRules HeaderRules = new(
        Rules.SafetensorsHeaderEncoding, Rules.SafetensorsHeaderSyntax, Rules.SafetensorsNameRepeated, Rules.SafetensorsHeaderForm);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(64)]
    public void Pieces_of_any_length_give_the_tokens_of_the_whole_text(int pieceBytes)
    {
        string[] sound =
        [
            """{"a":[1,2.5e3,true,false,null],"b":{"c":"\u00e9\ud83d\ude00","d":[]},"e":""}""",
            "{\"größe\":\"日本語のテンソル名\",\"😀\":[12345678901234567890,0,-1]}",
            "{\n  \"a\" : [ 1 ,\n\n 2 ] ,\r\n\t\"" + new string('n', 300) + "\" : true\n}" + new string(' ', 300),
            new string(' ', 100) + "[[[[[[]]]]]]" + "\n",
        ];
        foreach (string text in sound)
        {
            Assert.Equal(Tokens(text, null), Tokens(text, pieceBytes));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(16)]
    public void Pieces_of_any_length_give_the_error_of_the_whole_text(int pieceBytes)
    {
        byte[] sound = Encoding.UTF8.GetBytes("{\n\"ä\":[1,true],\n \"b\":{\"c\":\"\\u00e9x\",\"d\":null}}  ");
        var random = new Random(20);
        for (int i = 0; i < 800; i++)
        {
            byte[] text = [.. sound];
            for (int changes = random.Next(1, 3); changes > 0; changes--)
            {
                text[random.Next(text.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : sound[random.Next(sound.Length)];
            }
            text = text[..random.Next(text.Length / 2, text.Length + 1)];
            string whole = Tokens(text, null);
            string pieces = Tokens(text, pieceBytes);
            // The encoding of the whole text is checked first. Pieces find an error that comes before it.
            if (whole.StartsWith(Rules.SafetensorsHeaderEncoding.Id, StringComparison.Ordinal))
            {
                Assert.Contains("ML4", pieces, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal(whole, pieces);
            }
        }
    }

    [Fact]
    public void A_header_of_more_than_a_piece_is_read_as_the_entries_it_has()
    {
        string path = Path.Combine(_folder.Path, "long.safetensors");
        const int Tensors = 30_000;
        var header = new StringBuilder("{");
        for (int i = 0; i < Tensors; i++)
        {
            string entry = $$"""{"dtype":"U8","shape":[1],"data_offsets":[{{i}},{{i + 1}}]}""";
            header.Append(CultureInfo.InvariantCulture, $"\"模型.層.{i}.weight\":{entry},");
        }
        header[^1] = '}';
        byte[] text = Encoding.UTF8.GetBytes(header.ToString());
        using (var file = new BinaryWriter(File.Create(path)))
        {
            file.Write((long)text.Length);
            file.Write(text);
            file.Write(new byte[Tensors]);
        }

        Checkpoint checkpoint = Checkpoint.Open(path);

        Assert.True(text.Length > 2 << 20, "the header has more than two pieces");
        Assert.Equal(Tensors, checkpoint.Tensors.Length);
        Assert.All(checkpoint.Tensors.Index(), item => Assert.Equal($"模型.層.{item.Index}.weight", item.Item.Name));
    }

    [Fact]
    public void A_byte_order_mark_is_named() =>
        Assert.Contains("a byte-order mark precedes it", Tokens("\uFEFF{}", 64), StringComparison.Ordinal);

    private string Tokens(string text, int? pieceBytes) => Tokens(Encoding.UTF8.GetBytes(text), pieceBytes);

    // Returns one line per token with its position, and the error at the end.
    private string Tokens(byte[] text, int? pieceBytes)
    {
        string path = Path.Combine(_folder.Path, "text.json");
        File.WriteAllBytes(path, [.. new byte[Before], .. text]);
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        var found = new StringBuilder();
        try
        {
            var budget = OpenBudget.Unlimited();
            StrictJson json = pieceBytes is int bytes
                ? new StrictJson(file, Before, text.Length, HeaderRules, budget, bytes)
                : new StrictJson(text, Before, path, HeaderRules, budget);
            json.Next();
            for (int depth = 0; ; json.Next())
            {
                found.Append(CultureInfo.InvariantCulture, $"{json.Position} {json.Token}");
                if (json.Token is JsonTokenType.String or JsonTokenType.PropertyName or JsonTokenType.Number)
                {
                    found.Append(' ').Append(json.Scalar() ?? json.Text());
                }
                found.AppendLine();
                depth += json.Token is JsonTokenType.StartObject or JsonTokenType.StartArray ? 1
                    : json.Token is JsonTokenType.EndObject or JsonTokenType.EndArray ? -1 : 0;
                if (depth == 0)
                {
                    break;
                }
            }
            json.End(HeaderRules.Syntax);
        }
        catch (MemLoadException e)
        {
            found.Append(e.Rule.Id).Append(' ').Append(e.Message);
        }
        return found.ToString();
    }
}
