using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace MemLoad;

/// <summary>
/// The action that a user can take for a broken rule. It is text with placeholders for the words that the user types
/// (<see cref="Setting"/>, <see cref="Act"/>). Each program fills them with its own words (<see cref="Vocabulary"/>). A remedy is written
/// as an interpolated string.
/// </summary>
[InterpolatedStringHandler]
internal sealed class Remedy
{
    private readonly List<Func<Vocabulary, string>> _parts = [];

    /// <summary>Creates an empty remedy. The compiler calls it for an interpolated string.</summary>
    public Remedy(int literalLength, int formattedCount) => _parts.Capacity = (2 * formattedCount) + Math.Min(literalLength, 1);

    [return: NotNullIfNotNull(nameof(text))]
    public static implicit operator Remedy?(string? text) => FromString(text);

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

    public void AppendLiteral(string text) => _parts.Add(_ => text);

    /// <summary>Adds a value, in the invariant culture.</summary>
    public void AppendFormatted<T>(T value)
    {
        string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        _parts.Add(_ => text);
    }

    public void AppendFormatted(Setting setting) => _parts.Add(words => words.Of(setting));

    public void AppendFormatted((Setting Setting, string Value) typed) => _parts.Add(words => $"{words.Of(typed.Setting)} {typed.Value}");

    public void AppendFormatted(Act act) => _parts.Add(words => words.Of(act));

    public void AppendFormatted((Act Act, Setting Setting) typed) => _parts.Add(words => words.Of(typed.Act, typed.Setting));

    public void AppendFormatted(Remedy remedy) => _parts.Add(remedy.In);

    /// <summary>Returns the text in the words of one program.</summary>
    public string In(Vocabulary words) => string.Concat(_parts.Select(part => part(words)));

    /// <summary>Returns the text in the words of the running program.</summary>
    public override string ToString() => In(Vocabulary.Current);
}
