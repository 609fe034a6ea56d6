using System.Buffers;

namespace MemLoad;

/// <summary>
/// Converts text to a CSV cell that is safe for terminals and spreadsheets, and back. Hidden characters are escapes
/// (<see cref="Printable"/>). A text that a spreadsheet would interpret as a formula gets an apostrophe before it, as OWASP recommends (CSV
/// Injection). Such a text begins with = + - @ or their wide forms.
/// </summary>
/// <remarks>Numbers are not text. A negative number is not changed.</remarks>
internal static class CsvCell
{
    private const char Guard = '\'';

    private static readonly SearchValues<char> Formulas = SearchValues.Create("=+-@＝＋－＠");

    /// <summary>Returns the cell, without the quotes that commas need.</summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string safe = Printable.Escape(text);
        return IsFormula(safe) ? Guard + safe : safe;
    }

    /// <summary>Returns the original text of a cell. Cells of programs that do not escape are not changed.</summary>
    public static string Read(string cell)
    {
        ArgumentNullException.ThrowIfNull(cell);
        return Printable.Unescape(cell is [Guard, ..] && IsFormula(cell[1..]) ? cell[1..] : cell);
    }

    // Also after spaces and apostrophes, because programs trim spaces, and MemLoad writes apostrophes.
    private static bool IsFormula(string text)
    {
        int first = text.AsSpan().IndexOfAnyExcept(' ', Guard);
        return first >= 0 && Formulas.Contains(text[first]);
    }
}
