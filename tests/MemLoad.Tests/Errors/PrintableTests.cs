using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Errors;

public sealed class PrintableTests
{
    // Any UTF-16 text, in which the relevant characters are frequent.
    private static readonly Arbitrary<string> AnyText = Gen.OneOf(
            ArbMap.Default.GeneratorFor<char>().Select(c => c.ToString()),
            Gen.Choose(0, 0xFFFF).Select(unit => ((char)unit).ToString()),
            Gen.Choose(0xE0000, 0xE01FF).Select(char.ConvertFromUtf32),
            Gen.Elements(
                "\\",
                "\\u",
                "\\u001b",
                "\\u005c",
                "\\U001B",
                "u001b",
                "'",
                "''",
                "=",
                "-1",
                "@",
                " ",
                "…",
                "\r\n",
                "\u001b[2J",
                "🙂",
                "\ud83d",
                "\ude42",
                "名",
                "\"",
                ","))
        .ListOf()
        .Select(parts => string.Concat(parts))
        .ToArbitrary();

    // The definition in docs/troubleshooting.md, with the names of the Unicode categories and the property, independent of the tested code.
    private static bool IsHidden(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
                or UnicodeCategory.Surrogate
        || rune.Value
            is 0x34F
                or 0x115F
                or 0x1160
                or 0x17B4
                or 0x17B5
                or (>= 0x180B and <= 0x180F)
                or 0x3164
                or (>= 0xFE00 and <= 0xFE0F)
                or 0xFFA0
                or (>= 0xE0100 and <= 0xE01EF);

    internal static bool IsSafe(string text)
    {
        for (int at = 0, length; at < text.Length; at += length)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out length) != System.Buffers.OperationStatus.Done || IsHidden(rune))
            {
                return false;
            }
        }
        return true;
    }

    [Fact]
    public void Text_has_no_hidden_characters_is_bounded_and_does_not_change_the_second_time() =>
        Prop.ForAll(AnyText, Gen.Choose(1, 60).ToArbitrary(), (text, longest) =>
            {
                string shown = Printable.Text(text, longest);
                string line = Printable.Line(text, longest);
                return IsSafe(shown)
                    && shown.Length <= longest
                    && Printable.Text(shown, longest) == shown
                    && IsSafe(line)
                    && line.Length <= longest
                    && Printable.Line(line, longest) == line;
            })
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Short_text_without_hidden_characters_does_not_change() =>
        Prop.ForAll(AnyText, text => !IsSafe(text) || text.Length > Printable.LongestText || Printable.Text(text) == text)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void A_quoted_name_has_no_hidden_characters_is_bounded_and_is_unique() =>
        Prop.ForAll(AnyText, AnyText, (one, other) =>
        {
            string a = Printable.Quote(one);
            string b = Printable.Quote(other);
            bool whole = Printable.Escape(one).Length <= Printable.LongestName;
            return IsSafe(a) && a.Length <= Printable.LongestName + 2 && Printable.Text(a) == a && (one == other || !whole || a != b)
                && (!whole || Printable.Unescape(a[1..^1]) == one);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Escapes_and_cells_preserve_the_text_and_have_no_hidden_characters() =>
        Prop.ForAll(AnyText, text =>
            {
                string escaped = Printable.Escape(text);
                string cell = CsvCell.Of(text);
                return IsSafe(escaped)
                    && Printable.Unescape(escaped) == text
                    && IsSafe(cell)
                    && CsvCell.Read(cell) == text
                    && !(cell.Length > 0 && "=+-@＝＋－＠".Contains(cell[0], StringComparison.Ordinal));
            })
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Fact]
    public void Every_code_point_is_hidden_or_visible_as_unicode_defines()
    {
        for (int code = 0; code <= 0x10FFFF; code++)
        {
            if (Rune.IsValid(code))
            {
                Assert.True(Printable.IsHidden(new Rune(code)) == IsHidden(new Rune(code)), $"U+{code:X4}");
            }
        }
    }

    [Theory]
    [InlineData("a\u001b[2Jb", "'a\\u001b[2Jb'")]
    [InlineData("\u061c\u00ad\u2060\u202e", "'\\u061c\\u00ad\\u2060\\u202e'")]
    [InlineData("\U000E0041", "'\\udb40\\udc41'")]
    [InlineData("\\u001b", "'\\u005cu001b'")]
    [InlineData(@"C:\users\model.pth", @"'C:\users\model.pth'")]
    [InlineData("line\nbreak", "'line\\u000abreak'")]
    [InlineData("wörter 名 🙂", "'wörter 名 🙂'")]
    public void Names_are_quoted(string name, string quoted) => Assert.Equal(quoted, Printable.Quote(name));

    [Theory]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("-2", "'-2")]
    [InlineData("'=1", "''=1")]
    [InlineData(" @x", "' @x")]
    [InlineData("'plain", "'plain")]
    [InlineData("\t=1", "\\u0009=1")]
    public void Formulas_are_guarded_in_cells(string text, string cell) => Assert.Equal(cell, CsvCell.Of(text));

    [Theory]
    [InlineData(@"C:\u0041\model.pth")]
    [InlineData(@"C:\u1234")]
    [InlineData("'quoted'")]
    public void Cells_of_other_programs_stay_as_they_are(string cell) => Assert.Equal(cell, CsvCell.Read(cell));

    [Fact]
    public void An_exception_is_one_bounded_line_for_any_text() =>
        Prop.ForAll(AnyText, AnyText, AnyText, (finding, path, inner) =>
            {
                var broken = new MemLoadException(Rules.FileEmpty, finding, path, 7, new InvalidOperationException(inner), remedy: finding);
                return IsSafe(broken.Message)
                    && IsSafe(broken.Finding)
                    && IsSafe(broken.Path!)
                    && IsSafe(broken.Remedy)
                    && IsSafe(broken.InnerException?.Message ?? "");
            })
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void A_message_of_50_MB_costs_no_more_than_it_shows()
    {
        string finding = new('\u001b', 50_000_000);
        long before = GC.GetAllocatedBytesForCurrentThread();

        MemLoadException broken = Rules.FileEmpty.Broken(finding, finding, innerException: new InvalidOperationException(finding));
        string quoted = Printable.Quote(finding);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.InRange(broken.Message.Length, 1, 10_000);
        Assert.InRange(quoted.Length, 1, 102);
        Assert.Null(broken.InnerException);
    }

    [Fact]
    public void Json_files_escape_the_characters_of_json_and_hidden_characters() =>
        Prop.ForAll(AnyText, text =>
        {
            string whole = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)); // halves of pairs become U+FFFD, as in any UTF-8
            using var output = new MemoryStream();
            using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = PrintableJson.Encoder }))
            {
                json.WriteStringValue(whole);
            }
            string written = Encoding.UTF8.GetString(output.ToArray());
            return IsSafe(written) && JsonDocument.Parse(written).RootElement.GetString() == whole;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
