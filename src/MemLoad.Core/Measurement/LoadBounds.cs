namespace MemLoad;

/// <summary>
/// The bounds of a load for wall time, host memory and device memory. A row above a bound gets a warning or fails. Null means that a figure
/// is not compared.
/// </summary>
/// <param name="Time">The most wall time.</param>
/// <param name="HostBytes">The largest peak of anonymous host memory, in bytes.</param>
/// <param name="DeviceBytes">The largest peak of allocated device memory, in bytes.</param>
public sealed record LoadBounds(TimeSpan? Time = null, long? HostBytes = null, long? DeviceBytes = null)
{
    /// <summary>The syntax of bounds, for messages.</summary>
    internal const string Syntax = "write time=SECONDS, host=SIZE or device=SIZE, such as time=2.5s, time=500ms or host=4GB";

    private static readonly ImmutableArray<(string Suffix, decimal Seconds)> Units = [("ms", 0.001m), ("s", 1m), ("m", 60m), ("h", 3600m)];

    /// <summary>Reads bounds such as <c>time=2.5s</c>, <c>host=4GB</c> and <c>device=8GB</c>.</summary>
    /// <param name="words">One bound each. A later bound of the same figure replaces an earlier one. Time has the unit ms, s, m or h, or
    /// none for seconds. Units of sizes are powers of 1024.</param>
    /// <param name="bounds">The bounds.</param>
    /// <param name="wrong">The word that is not a bound; null if all words are bounds.</param>
    internal static bool TryParse(IEnumerable<string> words, out LoadBounds bounds, out string? wrong)
    {
        bounds = new LoadBounds();
        wrong = null;
        foreach (string word in words)
        {
            int sign = word.IndexOf('=', StringComparison.Ordinal);
            string figure = word[..Math.Max(sign, 0)].Trim();
            string value = word[(sign + 1)..].Trim();
            if (figure.Equals("time", StringComparison.OrdinalIgnoreCase) && TryParseTime(value, out TimeSpan time))
            {
                bounds = bounds with { Time = time };
            }
            else if (figure.Equals("host", StringComparison.OrdinalIgnoreCase) && ByteSize.TryParse(value, out long host))
            {
                bounds = bounds with { HostBytes = host };
            }
            else if (figure.Equals("device", StringComparison.OrdinalIgnoreCase) && ByteSize.TryParse(value, out long device))
            {
                bounds = bounds with { DeviceBytes = device };
            }
            else
            {
                wrong = word;
                return false;
            }
        }
        return true;
    }

    /// <summary>Returns the figures of a row that are above their bounds, as text.</summary>
    /// <param name="row">The row of a load that succeeded.</param>
    /// <returns>Text such as <c>time 2.3 s is above 2 s</c>; null if no figure is.</returns>
    internal string? Exceeded(LoadMeasurement row)
    {
        var above = new List<string>(3);
        if (Time is TimeSpan time && row.ElapsedMicroseconds > time.Ticks / TimeSpan.TicksPerMicrosecond)
        {
            above.Add($"time {Figures.Time(row.ElapsedMicroseconds)} is above "
                + Figures.Time(time.Ticks / TimeSpan.TicksPerMicrosecond));
        }
        Compare("host", row.PeakHostBytes, HostBytes);
        Compare("device", row.PeakDeviceBytes, DeviceBytes);
        return above.Count == 0 ? null : string.Join("; ", above);

        void Compare(string what, long? peak, long? most)
        {
            if (peak > most)
            {
                above.Add($"{what} {Printable.Bytes(peak.Value)} is above {Printable.Bytes(most.Value)}");
            }
        }
    }

    private static bool TryParseTime(string text, out TimeSpan time)
    {
        time = default;
        (string? suffix, decimal seconds) = Units.FirstOrDefault(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        string number = suffix is null ? text : text[..^suffix.Length].TrimEnd();
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
            || value <= 0 || value > (decimal)TimeSpan.MaxValue.TotalSeconds / Math.Max(seconds, 1m) / 2)
        {
            return false;
        }
        time = TimeSpan.FromTicks((long)(value * (suffix is null ? 1m : seconds) * TimeSpan.TicksPerSecond));
        return time > TimeSpan.Zero;
    }
}
