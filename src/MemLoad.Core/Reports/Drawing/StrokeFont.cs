namespace MemLoad;

/// <summary>
/// A stroke font for PNG files, because .NET cannot draw text on every platform. A glyph is a list of lines through points of a grid. Each
/// point has two digits, column and row. Rows are 0 (top of capitals) to 6 (baseline) and 8 (lowest). Small letters start at row 2.
/// </summary>
internal static class StrokeFont
{
    private const double BaselineRow = 6;
    private const double CapitalHeight = 0.72; // of the font size, as in most fonts
    private const double Gap = 1.7; // between glyphs, in columns
    private const double SpaceWidth = 2;

    private static readonly string[] Glyphs =
    [
        /* ! */"00 04;06 06.1",
        "00 02;20 22",
        "10 16;30 36;02 42;04 44",
        "41 30 10 01 02 13 33 44 45 36 16 05;20 26",
        "00 10 11 01 00;40 06;35 45 46 36 35",
        /* & */"46 02 01 10 20 31 05 16 26 43",
        "00 02",
        "20 12 14 26",
        "00 12 14 06",
        "11 35;31 15;20 26;03 43",
        "21 25;03 43",
        "16 07",
        "03 33",
        "06 06.1",
        "40 06",
        /* 0 */"10 30 41 45 36 16 05 01 10;23 23.1",
        "01 20 26;06 46",
        "01 10 30 41 42 06 46",
        "01 10 30 41 42 33 13;33 44 45 36 16 05",
        "36 30 04 44",
        /* 5 */"40 00 03 33 44 45 36 16 05",
        "40 20 02 05 16 36 45 44 33 13 04",
        "00 40 16",
        "10 30 41 42 33 13 02 01 10;13 04 05 16 36 45 44 33",
        "06 26 44 41 30 10 01 02 13 33 42",
        /* : */"02 02.1;05 05.1",
        "12 12.1;15 07",
        "40 03 46",
        "02 42;04 44",
        "00 43 06",
        "01 10 30 41 42 23 24;26 26.1",
        "44 22 13 24 44 41 30 10 01 05 16 46",
        /* A */"06 20 46;14 34",
        "06 00 30 41 42 33 03;33 44 45 36 06",
        "41 30 10 01 05 16 36 45",
        "06 00 20 42 44 26 06",
        "40 00 06 46;03 33",
        "40 00 06;03 33",
        /* G */"41 30 10 01 05 16 36 45 43 23",
        "00 06;40 46;03 43",
        "00 20;10 16;06 26",
        "40 45 36 16 05",
        "00 06;40 03 46",
        "00 06 46",
        "06 00 23 40 46",
        "06 00 46 40",
        /* O */"10 30 41 45 36 16 05 01 10",
        "06 00 30 41 42 33 03",
        "10 30 41 45 36 16 05 01 10;24 46",
        "06 00 30 41 42 33 03;23 46",
        "41 30 10 01 02 13 33 44 45 36 16 05",
        /* T */"00 40;20 26",
        "00 05 16 36 45 40",
        "00 26 40",
        "00 16 22 36 40",
        "00 46;40 06",
        "00 23 40;23 26",
        "00 40 06 46",
        /* [ */"20 00 06 26",
        "00 46",
        "00 20 26 06",
        "02 20 42",
        "07 47",
        "00 12",
        /* a */"12 22 33 36;34 14 05 16 26 35",
        "00 06;03 12 22 33 35 26 16 05",
        "33 22 12 03 05 16 26 35",
        "30 36;33 22 12 03 05 16 26 35",
        "04 34 33 22 12 03 05 16 26 35",
        /* f */"30 20 11 16;02 22",
        "33 22 12 03 05 16 26 35;32 37 28 18 07",
        "00 06;03 12 22 33 36",
        "02 06;00 00.1",
        "12 17 08;10 10.1",
        "00 06;32 04 36",
        "00 05 16",
        /* m */"02 06;03 12 23 26;23 32 43 46",
        "02 06;03 12 22 33 36",
        "12 22 33 35 26 16 05 03 12",
        "02 08;03 12 22 33 35 26 16 05",
        "33 22 12 03 05 16 26 35;32 38",
        /* r */"02 06;04 12 22",
        "33 22 12 03 14 24 35 26 16 05",
        "10 15 26;02 22",
        "02 05 16 26 35;32 36",
        "02 26 42",
        "02 16 24 36 42",
        "02 36;32 06",
        "02 16;32 16 07 08",
        "02 32 06 36",
        /* { */"20 11 12 03 14 15 26",
        "00 07",
        "00 11 12 23 14 15 06",
        "03 12 24 33",
    ];

    // The non-ASCII characters of the texts of MemLoad. Other characters are shown as a box.
    private const string Box = "00 40 46 06 00";

    /// <summary>Returns the lines of a text at its position in the picture.</summary>
    public static IEnumerable<IReadOnlyList<Spot>> Lines(Label label)
    {
        double unit = label.Size * CapitalHeight / BaselineRow;
        double width = label.Text.Sum(Advance) * unit;
        double x = label.Anchor switch
        {
            Anchor.Middle => label.X - (width / 2),
            Anchor.End => label.X - width + (Gap * unit),
            _ => label.X,
        };
        foreach (char c in label.Text)
        {
            foreach (string line in Glyph(c).Split(';', StringSplitOptions.RemoveEmptyEntries))
            {
                double left = x;
                yield return
                [
                    .. line.Split(' ')
                        .Select(spot => new Spot(left + ((spot[0] - '0') * unit), label.Y + ((Row(spot) - BaselineRow) * unit))),
                ];
            }
            x += Advance(c) * unit;
        }
    }

    private static double Row(string spot) => spot[1] - '0' + (spot.Length > 2 ? 0.1 : 0);

    private static double Advance(char c) => Gap + (c == ' ' ? SpaceWidth : Glyph(c).Split(';', ' ').Max(spot => spot[0] - '0'));

    private static string Glyph(char c) => c switch
    {
        ' ' => "",
        > ' ' and <= '~' => Glyphs[c - '!'],
        '–' or '—' => "03 43",
        '…' => "06 06.1;26 26.1;46 46.1",
        'µ' => "02 08;05 16 26 35;32 36",
        '·' => "13 13.1",
        '×' => "02 35;32 05",
        '±' => "21 25;03 43;06 46",
        _ => Box,
    };
}
