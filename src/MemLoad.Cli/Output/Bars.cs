namespace MemLoad.Cli;

/// <summary>Bars of characters, by shade and not by colour; of plain ASCII where the terminal has no more.</summary>
internal sealed class Bars(bool unicode)
{
    /// <summary>What device memory is drawn with.</summary>
    public char Device => unicode ? '█' : '#';

    /// <summary>What anonymous host memory is drawn with.</summary>
    public char Host => unicode ? '▓' : '=';

    /// <summary>What file-backed pages are drawn with.</summary>
    public char File => unicode ? '░' : '.';

    /// <summary>What stands where the forecast is.</summary>
    public char Forecast => unicode ? '┃' : '|';

    /// <summary>Kinds of memory one after the other, in as many cells as their sum takes of the scale.</summary>
    /// <param name="most">What the whole width stands for.</param>
    /// <param name="width">Cells.</param>
    /// <param name="parts">What to draw.</param>
    public static string Stack(long most, int width, params ReadOnlySpan<(char Cell, long? Bytes)> parts)
    {
        var bar = new System.Text.StringBuilder(width);
        double sum = 0;
        foreach ((char cell, long? bytes) in parts)
        {
            sum += bytes ?? 0;
            int end = (int)Math.Round(Math.Min(1, sum / Math.Max(1, most)) * width);
            _ = bar.Append(cell, Math.Max(0, end - bar.Length));
        }
        return bar.ToString();
    }

    /// <summary>One kind of memory with the forecast marked.</summary>
    public string Marked(char cell, long? bytes, long? forecast, long most, int width)
    {
        char[] bar = Stack(most, width, (cell, bytes)).PadRight(width).ToCharArray();
        // Something is not nothing.
        if (bytes > 0 && bar[0] == ' ')
        {
            bar[0] = cell;
        }
        if (forecast > 0)
        {
            bar[Math.Clamp((int)Math.Round((double)forecast.Value / Math.Max(1, most) * width), 1, width) - 1] = Forecast;
        }
        return new string(bar).TrimEnd();
    }
}
