using System.Text;
using System.Text.Encodings.Web;

namespace MemLoad;

/// <summary>
/// The escaping of texts in the JSON files that MemLoad writes: the characters that JSON requires, and those that <see cref="Printable"/>
/// calls hidden. All other characters stay readable.
/// </summary>
internal sealed unsafe class PrintableJson : JavaScriptEncoder
{
    private PrintableJson()
    {
    }

    public static PrintableJson Encoder { get; } = new();

    public override int MaxOutputCharactersPerInputCharacter => 12;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is '"' or '\\' || Printable.IsHidden(new Rune(unicodeScalar));

    public override int FindFirstCharacterToEncode(char* text, int textLength)
    {
        var whole = new ReadOnlySpan<char>(text, textLength);
        for (int at = 0, length; at < textLength; at += length)
        {
            if (Rune.DecodeFromUtf16(whole[at..], out Rune rune, out length) != System.Buffers.OperationStatus.Done
                || WillEncode(rune.Value))
            {
                return at;
            }
        }
        return -1;
    }

    public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        var output = new Span<char>(buffer, bufferLength);
        var rune = new Rune(unicodeScalar);
        Span<char> units = stackalloc char[2];
        units = units[..rune.EncodeToUtf16(units)];
        string text = unicodeScalar switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ when !Printable.IsHidden(rune) => units.ToString(),
            _ => string.Concat(units.ToArray().Select(unit => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"))),
        };
        bool fits = text.TryCopyTo(output);
        numberOfCharactersWritten = fits ? text.Length : 0;
        return fits;
    }
}
