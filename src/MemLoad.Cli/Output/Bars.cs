namespace MemLoad.Cli;

/// <summary>Bars of characters, with shades instead of colours; in ASCII if the terminal supports only that.</summary>
internal sealed class Bars(bool unicode)
{
    public char Device => unicode ? '█' : '#';
    public char Host => unicode ? '▓' : '=';
    public char File => unicode ? '░' : '.';
    public char Forecast => unicode ? '┃' : '|';

    /// <summary>
    /// Returns a bar with several kinds of memory one after the other. Its length is their sum on the scale, whose whole width is <paramref
    /// name="most"/>.
    /// </summary>
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

    /// <summary>Returns a bar of one kind of memory, with the forecast marked.</summary>
    public string Marked(char cell, long? bytes, long? forecast, long most, int width)
    {
        char[] bar = Stack(most, width, (cell, bytes)).PadRight(width).ToCharArray();
        // A value above zero has at least one character.
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
