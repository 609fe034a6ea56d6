namespace MemLoad;

/// <summary>
/// Parses sizes such as <c>512MB</c>, <c>1.5GiB</c>, <c>2g</c>, or plain bytes. Units are powers of 1024, as in PowerShell.
/// </summary>
internal static class ByteSize
{
    private static readonly (string Letter, int Shift)[] Units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];

    /// <summary>Parses a size above zero that fits 64 bits. A fraction of a byte is dropped.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        string number = text.Trim().ToUpperInvariant();
        int shift = 0;
        foreach ((string letter, int unitShift) in Units)
        {
            if (Strip(ref number, letter + "IB") || Strip(ref number, letter + "B") || Strip(ref number, letter))
            {
                shift = unitShift;
                break;
            }
        }
        if (shift == 0)
        {
            _ = Strip(ref number, "B");
        }
        // Decimal is exact for the fractions that users write. Its overflow is an exception, not infinity.
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture,
            out decimal value)
            || value > (decimal)long.MaxValue / (1L << shift))
        {
            return false;
        }
        bytes = (long)(value * (1L << shift));
        return bytes > 0;
    }

    private static bool Strip(ref string number, string unit)
    {
        if (!number.EndsWith(unit, StringComparison.Ordinal))
        {
            return false;
        }
        number = number[..^unit.Length];
        return true;
    }
}
