using System.Text;

namespace MemLoad;

/// <summary>
/// The lines of the views (MemLoad.Format.ps1xml). They read properties by name, so that they also show rows from another session. Lines
/// fit 80 columns and contain the main values of a row. A table would omit its last columns in a narrow terminal or without a terminal.
/// </summary>
public static class RowText
{
    private const string None = "-";
    private const int MostColumns = 79;
    private const int StrategyWidth = -18;
    private const int PairWidth = 14;
    private const int SizeWidth = 9;

    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>The heading of the rows of one checkpoint, device and machine.</summary>
    public static string Place(PSObject row) =>
        $"{Checkpoint(row)}\nto {DeviceRegistry.Describe(Text(row, "Device"))}, on {Text(row, "HostName")}";

    /// <summary>The path or the size of a checkpoint, and its format; empty for a program that loads no known checkpoint.</summary>
    public static string Checkpoint(PSObject row)
    {
        string format = Text(row, "Format") is { Length: > 0 } known ? $" ({known})" : "";
        return (Text(row, "Path") is { Length: > 0 } path ? path : Text(row, "Size")) + format;
    }

    /// <summary>The heading of measured loads; otherwise as <see cref="Place"/>.</summary>
    public static string LoadPlace(PSObject row) => $"{Place(row)}; device and host: forecast/peak";

    /// <summary>The heading of the devices of a machine: the host memory that a load may take.</summary>
    public static string Runtime(PSObject row) => Below(
        Number(row, "HostBudgetBytes") is long bytes
            ? $"{Printable.Bytes(bytes)}, limited by {Text(row, "HostLimit")}: {Text(row, "HostLimitReason")}" : "unknown",
        "A load may take of the host:");

    /// <summary>The titles of the columns of <see cref="Load"/>.</summary>
    public static string LoadTitles { get; } = LoadLine("Strategy", "Device", "Host", "File", "ms", "Verdict");

    /// <summary>
    /// One measured load in one line: forecast and peak of device and host, mapped pages, time, and how it ended. The reason of a failure
    /// follows below.
    /// </summary>
    public static string Load(PSObject row) => Below(Text(row, "Message"), LoadLine(
        Strategy(row),
        Pair(Number(row, "ForecastDeviceBytes"), Number(row, "PeakDeviceBytes")),
        Pair(Number(row, "ForecastHostBytes"), Number(row, "PeakHostBytes")),
        Size(Number(row, "PeakHostFileBytes")),
        Number(row, "ElapsedMicroseconds") is long time ? Printable.ThreeDigits(time / 1e3) : None,
        Text(row, "Outcome") == nameof(LoadOutcome.Loaded) ? Text(row, "Verdict") : Text(row, "Outcome")));

    /// <summary>The titles of the columns of <see cref="Plan"/>.</summary>
    public static string PlanTitles { get; } = PlanLine("Strategy", "Device", "reserved", "Host", "File, most", "Fits");

    /// <summary>
    /// One forecast in one line: peaks of device and host, mapped pages at most, and whether the plan fits. The reason follows below if it
    /// does not.
    /// </summary>
    public static string Plan(PSObject row) => Below(Text(row, "Message"), PlanLine(
        Strategy(row),
        Size(Number(row, "ForecastDeviceBytes")),
        Size(Number(row, "ForecastDeviceReservedBytes")),
        Size(Number(row, "ForecastHostBytes")),
        Size(Number(row, "ForecastHostFileBytes")),
        Value(row, "Fits") switch
        {
            true => "yes",
            false => Number(row, "MissingBytes") is long missing and > 0 ? $"{Size(missing)} short" : "no",
            _ => None,
        }));

    /// <summary>The titles of the columns of <see cref="Verdict"/>.</summary>
    public static string VerdictTitles { get; } = VerdictLine("Verdict", "Rule", "Format", "Tensors", "Path");

    /// <summary>One verdict in one line. The finding, the place and the remedy follow below.</summary>
    public static string Verdict(PSObject row) => Below(Text(row, "Warning"), Below(Finding(row), VerdictLine(
        Text(row, "Verdict"), Or(Text(row, "RuleId")), Or(Text(row, "Format")),
            Or(Number(row, "TensorCount")?.ToString(CultureInfo.InvariantCulture)), Text(row, "Path"))));

    private static string Finding(PSObject row)
    {
        if (Text(row, "Finding") is not { Length: > 0 } finding)
        {
            return "";
        }
        string[] place =
        [
            .. Text(row, "File") is { Length: > 0 } file ? [file] : Array.Empty<string>(),
            .. Number(row, "Offset") is long offset ? [$"byte {offset}"] : Array.Empty<string>(),
        ];
        return $"{finding}{(place.Length > 0 ? $" ({string.Join(", ", place)})" : "")}. {Text(row, "Remedy")}";
    }

    /// <summary>Returns bytes with a unit and three digits; a dash for null.</summary>
    public static string Size(long? bytes)
    {
        int unit = UnitOf(bytes);
        return bytes is null ? None : $"{Digits(bytes, unit)} {Units[unit]}";
    }

    private static string LoadLine(string strategy, string device, string host, string file, string time, string verdict) =>
        $"{strategy,StrategyWidth}{device,PairWidth}{host,PairWidth}{file,SizeWidth + 1}{time,8}  {verdict}";

    private static string PlanLine(string strategy, string device, string reserved, string host, string file, string fits) =>
        $"{strategy,StrategyWidth}{device,SizeWidth + 1}{reserved,SizeWidth + 1}{host,SizeWidth + 1}{file,SizeWidth + 2}  {fits}";

    private static string VerdictLine(string verdict, string rule, string format, string tensors, string path) =>
        $"{verdict,-15}{rule,-7}{format,-12}{tensors,7}  {path}";

    // Splits a sentence into lines between words. A view would split it inside words.
    private static string Below(string sentence, string line)
    {
        var lines = new StringBuilder(line);
        int used = MostColumns;
        foreach (string word in sentence.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            bool fits = used + 1 + word.Length <= MostColumns;
            lines.Append(fits ? " " : "\n  ").Append(word);
            used = fits ? used + 1 + word.Length : 2 + word.Length;
        }
        return lines.ToString();
    }

    // The strategy that Auto chose belongs to the name.
    private static string Strategy(PSObject row)
    {
        string asked = Text(row, "Strategy");
        string name = Text(row, "ChosenStrategy") is { Length: > 0 } chosen && chosen != asked ? $"{asked}: {chosen}" : asked;
        name = Number(row, "Rank") is long rank ? $"{name} rank {rank}" : name;
        return Number(row, "Run") is long run and > 1 ? $"{name} #{run}" : name;
    }

    // One unit for both figures: the unit of the larger one.
    private static string Pair(long? forecast, long? peak)
    {
        int unit = UnitOf(Math.Max(forecast ?? 0, peak ?? 0));
        return forecast is null && peak is null ? None : $"{Digits(forecast, unit)}/{Digits(peak, unit)} {Units[unit]}";
    }

    private static int UnitOf(long? bytes)
    {
        int unit = 0;
        for (double left = Math.Abs((double)(bytes ?? 0)); left >= 999.5 && unit < Units.Length - 1; left /= 1024)
        {
            unit++;
        }
        return unit;
    }

    private static string Digits(long? bytes, int unit)
    {
        if (bytes is not long known)
        {
            return None;
        }
        return unit == 0 || known == 0 ? known.ToString(CultureInfo.InvariantCulture) : Printable.ThreeDigits(known / Math.Pow(1024, unit));
    }

    /// <summary>
    /// <c>StartedAt</c> of a row (MemLoad.Types.ps1xml): a time whose text is ISO 8601 with milliseconds. PowerShell would write it to CSV
    /// in
    /// the format of the culture and without milliseconds.
    /// </summary>
    public static PSObject StartedAt(DateTimeOffset time)
    {
        var shown = new PSObject(time);
        shown.Members.Add(new PSCodeMethod("ToString", typeof(RowText).GetMethod(nameof(TimeText))));
        return shown;
    }

    /// <summary>The text of a time. PowerShell calls it for the objects of <see cref="StartedAt"/>.</summary>
    public static string TimeText(PSObject time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return RowTime.Text((DateTimeOffset)time.BaseObject);
    }

    private static string Or(string? text) => string.IsNullOrEmpty(text) ? None : text;

    private static string Text(PSObject row, string property) => Printable.Text(Value(row, property)?.ToString());

    private static long? Number(PSObject row, string property) =>
        LanguagePrimitives.TryConvertTo(Value(row, property), out long? number) ? number : null;

    private static object? Value(PSObject row, string property)
    {
        ArgumentNullException.ThrowIfNull(row);
        object? value = row.Properties[property]?.Value;
        return value is PSObject wrapped ? wrapped.BaseObject : value;
    }
}
