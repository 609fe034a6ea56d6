namespace MemLoad;

/// <summary>
/// The colors of pictures, for light and dark backgrounds. People with color blindness can distinguish these shades of blue, orange and
/// green. Each kind of memory also has its own pattern.
/// </summary>
internal static class Palette
{
    /// <summary>Colors on a light background, as RGB.</summary>
    public static int Light(Ink ink) => Of(ink).Light;

    /// <summary>Colors on a dark background, as RGB.</summary>
    public static int Dark(Ink ink) => Of(ink).Dark;

    public const string LightGround = "#ffffff";
    public const string DarkGround = "#0d1117";

    /// <summary>The name of an ink in style sheets.</summary>
    public static string Name(Ink ink) => ink.ToString().ToLowerInvariant();

    /// <summary>Declares all colors as variables.</summary>
    public static string Variables(Func<Ink, int> colour, string ground) => $"--ground:{ground};" + string.Concat(
        Enum.GetValues<Ink>().Select(ink => string.Create(CultureInfo.InvariantCulture, $"--{Name(ink)}:#{colour(ink):x6};")));

    private static (int Light, int Dark) Of(Ink ink) => ink switch
    {
        Ink.Text => (0x1b1f24, 0xe6edf3),
        Ink.Muted => (0x57606a, 0x9ea7b3),
        Ink.Grid => (0xd0d7de, 0x30363d),
        Ink.Axis => (0x6e7781, 0x8b949e),
        Ink.Band => (0xf0f3f6, 0x1c222a),
        Ink.Device => (0x2166ac, 0x4a90d9),
        Ink.Host => (0xe08214, 0xf0a043),
        Ink.File => (0x5aae8c, 0x4fb894),
        Ink.Time => (0x6a6fb5, 0x9297e0),
        Ink.Notebook => (0x8b949e, 0x8b949e),
        Ink.Forecast => (0x111418, 0xffffff),
        _ => (0xb2182b, 0xff7b72),
    };
}
