using System.Globalization;
using System.Text;

namespace MemLoad.Fuzz;

/// <summary>Splits JSON into tokens and mutates the tokens.</summary>
internal static class JsonTokens
{
    private static readonly string[] Snippets =
    [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e3",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "{}",
        "[]",
        "\"\"",
        "\"a\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\ud83d\\ude00\"",
        "\"F32\"",
        "\"F16\"",
        "\"U8\"",
        "\"I64\"",
        "\"BOOL\"",
        "\"F4\"",
        "\"\\u0046\\u0033\\u0032\"",
        "\"__metadata__\"",
        "\"shape\"",
        "\"dtype\"",
        "\"data_offsets\"",
        "[0,0]",
        "[2,3]",
        "\"../s1.safetensors\"",
        "\"s2.safetensors\"",
        "\"x.index.json\"",
        "\"weight_map\"",
        "\"metadata\"",
        " ",
        "\n",
        "\t",
        ",",
        ":",
        "{",
        "}",
        "[",
        "]",
        "/**/",
        "\uFEFF",
        "\"é\"",
        "01",
        "+1",
        "NaN",
        "\"",
        "\"\u202e\"",
    ];

    public static byte[] Mutate(byte[] text, Dice dice)
    {
        List<string> tokens = Split(Encoding.Latin1.GetString(text));
        for (int times = 1 + (dice.OneIn(3) ? dice.Below(6) : 0); times > 0 && tokens.Count > 0; times--)
        {
            int i = dice.Below(tokens.Count);
            int j = dice.Below(tokens.Count);
            switch (dice.Below(12))
            {
                case 0:
                    tokens.RemoveAt(i);
                    break;
                case 1:
                    tokens.Insert(i, tokens[j]);
                    break;
                case 2:
                    tokens[i] = tokens[j];
                    break;
                case 3:
                    (tokens[i], tokens[j]) = (tokens[j], tokens[i]);
                    break;
                case 4:
                    tokens.Insert(i, Snippet(dice));
                    break;
                case 5:
                    tokens[i] = Snippet(dice);
                    break;
                case 6: // a repeated range, which can be a whole entry
                    int count = Math.Min(1 + dice.Below(24), tokens.Count - i);
                    tokens.InsertRange(i, tokens.GetRange(i, count));
                    break;
                case 7: // a slightly different name or value
                    tokens[i] =
                        tokens[i].Length > 2 && tokens[i][0] == '"'
                            ? tokens[i]
                                .Insert(
                                    1 + dice.Below(tokens[i].Length - 2),
                                    dice.OneIn(3)
                                        ? new string('n', 1 << dice.Below(14))
                                        : dice.Of(["x", "\\n", "\\u0061", ".", "/", "\t", "é"]))
                            : tokens[i];
                    break;
                default: // numbers state the offsets of the bytes
                    int number = tokens.FindIndex(i, token => char.IsAsciiDigit(token[0]));
                    if (number >= 0)
                    {
                        ulong near = ulong.TryParse(tokens[number], NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
                            ? value
                            : 0;
                        tokens[number] = dice.Number(near).ToString(CultureInfo.InvariantCulture);
                    }
                    break;
            }
        }
        return Encoding.Latin1.GetBytes(string.Concat(tokens));
    }

    private static string Snippet(Dice dice) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(dice.Of(Snippets)));

    private static List<string> Split(string text)
    {
        var tokens = new List<string>();
        for (int at = 0; at < text.Length;)
        {
            int end = at + 1;
            if (text[at] == '"')
            {
                while (end < text.Length && text[end] != '"')
                {
                    end += text[end] == '\\' ? 2 : 1;
                }
                end = Math.Min(text.Length, end + 1);
            }
            else if (char.IsAsciiLetterOrDigit(text[at]))
            {
                while (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
                {
                    end++;
                }
            }
            tokens.Add(text[at..end]);
            at = end;
        }
        return tokens;
    }
}
