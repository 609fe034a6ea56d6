using System.Buffers;

namespace MemLoad;

/// <summary>
/// Text as a cell of CSV, fit for a terminal and for a spreadsheet, and back. Hidden characters are escapes (<see cref="Printable"/>). A text that a
/// spreadsheet would take for a formula gets an apostrophe before it, as OWASP advises (CSV Injection): it begins with = + - @ or their wide forms.
/// </summary>
/// <remarks>Numbers are no texts: a negative one stays as it is.</remarks>
public static class CsvCell
{
    private const char Guard = '\'';

    private static readonly SearchValues<char> Formulas = SearchValues.Create("=+-@＝＋－＠");

    /// <summary>The cell, not yet in the quotes that commas need.</summary>
    /// <param name="text">Any text.</param>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string safe = Printable.Escape(text);
        return IsFormula(safe) ? Guard + safe : safe;
    }

    /// <summary>The text that a cell was made of. Cells of other programs, which escape nothing, come out as they are.</summary>
    /// <param name="cell">The cell without its quotes.</param>
    public static string Read(string cell)
    {
        ArgumentNullException.ThrowIfNull(cell);
        return Printable.Unescape(cell is [Guard, ..] && IsFormula(cell[1..]) ? cell[1..] : cell);
    }

    // Behind spaces and apostrophes too: programs trim the ones, and we write the others.
    private static bool IsFormula(string text)
    {
        int first = text.AsSpan().IndexOfAnyExcept(' ', Guard);
        return first >= 0 && Formulas.Contains(text[first]);
    }
}
