using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// What a user can do about a broken rule: text, and in it what is typed, named by what it is (<see cref="Setting"/>, <see cref="Act"/>). Each program
/// has its own words for these (<see cref="Vocabulary"/>). It is written as an interpolated string.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Remedy
{
    private readonly List<Func<Vocabulary, string>> _parts = [];

    /// <summary>Called by the compiler for an interpolated string.</summary>
    /// <param name="literalLength">Characters of text.</param>
    /// <param name="formattedCount">How much is put into it.</param>
    public Remedy(int literalLength, int formattedCount) => _parts.Capacity = (2 * formattedCount) + Math.Min(literalLength, 1);

    /// <summary>A remedy without anything to type.</summary>
    /// <param name="text">The text.</param>
    [return: NotNullIfNotNull(nameof(text))]
    public static implicit operator Remedy?(string? text) => FromString(text);

    /// <summary>A remedy without anything to type.</summary>
    /// <param name="text">The text; null for none.</param>
    [return: NotNullIfNotNull(nameof(text))]
    public static Remedy? FromString(string? text)
    {
        if (text is null)
        {
            return null;
        }
        var remedy = new Remedy(1, 0);
        remedy.AppendLiteral(text);
        return remedy;
    }

    /// <summary>Adds text.</summary>
    /// <param name="text">The text.</param>
    public void AppendLiteral(string text) => _parts.Add(_ => text);

    /// <summary>Adds a value, written the same in every culture.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">The value.</param>
    public void AppendFormatted<T>(T value)
    {
        string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        _parts.Add(_ => text);
    }

    /// <summary>Adds the name of a setting.</summary>
    /// <param name="setting">The setting.</param>
    public void AppendFormatted(Setting setting) => _parts.Add(words => words.Of(setting));

    /// <summary>Adds the name of a setting and a value for it.</summary>
    /// <param name="typed">Both.</param>
    public void AppendFormatted((Setting Setting, string Value) typed) => _parts.Add(words => $"{words.Of(typed.Setting)} {typed.Value}");

    /// <summary>Adds the name of a command.</summary>
    /// <param name="act">What the command does.</param>
    public void AppendFormatted(Act act) => _parts.Add(words => words.Of(act));

    /// <summary>Adds the name of a command and a setting of it.</summary>
    /// <param name="typed">Both.</param>
    public void AppendFormatted((Act Act, Setting Setting) typed) => _parts.Add(words => words.Of(typed.Act, typed.Setting));

    /// <summary>Adds another remedy.</summary>
    /// <param name="remedy">The remedy.</param>
    public void AppendFormatted(Remedy remedy) => _parts.Add(remedy.In);

    /// <summary>The text in the words of one program.</summary>
    /// <param name="words">The words.</param>
    public string In(Vocabulary words) => string.Concat(_parts.Select(part => part(words)));

    /// <summary>The text in the words of the program that runs.</summary>
    public override string ToString() => In(Vocabulary.Current);
}
