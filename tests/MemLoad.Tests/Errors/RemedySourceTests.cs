using System.Text.RegularExpressions;

namespace MemLoad.Tests.Errors;

/// <summary>
/// A remedy names settings and commands as data. The compiler makes text of an interpolated string that it does not convert to a
/// <see cref="Remedy"/>, such as a branch of a conditional expression. The text then has the name of the enum, which no program uses.
/// </summary>
public sealed partial class RemedySourceTests
{
    [Fact]
    public void Settings_and_commands_are_only_in_strings_that_become_remedies()
    {
        string source = Path.Combine(Repository.Root, "src");
        char separator = Path.DirectorySeparatorChar;
        (string File, string Before, string Text)[] places =
        [
            .. Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains($"{separator}obj{separator}", StringComparison.Ordinal))
                .SelectMany(file =>
                    LiteralsWithWords(File.ReadAllText(file)).Select(found => (File: Path.GetFileName(file), found.Before, found.Text))),
        ];

        Assert.True(places.Length > 50);
        Assert.Empty(places.Where(place => !BecomesRemedy().IsMatch(place.Before)).Select(place => $"{place.File}: {place.Text}"));
    }

    [Theory]
    [InlineData("""Remedy x = y ? $"Use {Setting.Force}." : "";""", false)]
    [InlineData("""Remedy x = y switch { 1 => $"Use {Act.Load}.", _ => $"" };""", false)]
    [InlineData("""string x = $"Use {(Act.Load, Setting.Force)}.";""", false)]
    [InlineData("""throw Rules.X.Broken($"use {Setting.Force}");""", false)]
    [InlineData("""Remedy x = y ? (Remedy)$"Use {Setting.Force}." : "";""", true)]
    [InlineData("""Remedy x = $"Use {z switch { 1 => "{", _ => $"}" }} {Setting.Force}.";""", true)]
    [InlineData("""throw Rules.X.Broken("it", remedy: $"Use {Setting.Force}.");""", true)]
    [InlineData("""Rule x = new("ML1234", "it is", $"Use {Setting.Force}.");""", true)]
    public void Such_strings_are_found(string code, bool becomesRemedy) =>
        Assert.Equal(becomesRemedy, BecomesRemedy().IsMatch(Assert.Single(LiteralsWithWords(code)).Before));

    private static IEnumerable<(string Before, string Text)> LiteralsWithWords(string code)
    {
        code = Continued().Replace(code, "");
        for (int start = code.IndexOf("$\"", StringComparison.Ordinal);
            start >= 0;
            start = code.IndexOf("$\"", start + 2, StringComparison.Ordinal))
        {
            string text = code[start..EndOfString(code, start + 2, interpolated: true)];
            if (Words().IsMatch(text))
            {
                yield return (code[..start], text);
            }
        }
    }

    // The position after the closing quote. A placeholder can have strings and braces.
    private static int EndOfString(string code, int at, bool interpolated)
    {
        int depth = 0;
        for (; at < code.Length; at++)
        {
            switch (code[at])
            {
                case '\\':
                    at++;
                    break;
                case '"' when depth == 0:
                    return at + 1;
                case '"':
                    at = EndOfString(code, at + 1, code[at - 1] == '$') - 1;
                    break;
                case '{' when interpolated && depth == 0 && code[at + 1] == '{':
                    at++;
                    break;
                case '{' when interpolated:
                    depth++;
                    break;
                case '}' when depth > 0:
                    depth--;
                    break;
            }
        }
        return at;
    }

    // A long string is written in several parts.
    [GeneratedRegex(@"""\s*\+\s*\$""")]
    private static partial Regex Continued();

    [GeneratedRegex(@"\{\(?(Setting|Act)\.")]
    private static partial Regex Words();

    [GeneratedRegex("""(\(Remedy\)|\bremedy:|\bRemedy \w+ =|\bnew\("ML\d{4}", "[^"]*",|\breturn)\s*$""")]
    private static partial Regex BecomesRemedy();
}
