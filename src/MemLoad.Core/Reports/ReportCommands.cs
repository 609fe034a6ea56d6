using System.Globalization;

namespace MemLoad;

/// <summary>The command that measures a group of rows again, for a shell and for PowerShell.</summary>
internal static class ReportCommands
{
    /// <summary>For a shell.</summary>
    public static string Shell(ReportGroup group) => Line(group, "memload measure", "--path", "--strategy", "--device", "--dtype", "--rank",
        "--rank-count", "--split", "--cache", "--repeat", "--host-memory-limit", "--device-memory-limit", "'\\''");

    /// <summary>For PowerShell.</summary>
    public static string PowerShell(ReportGroup group) => Line(group, "Measure-LoadMemory", "-Path", "-Strategy", "-Device", "-DType",
        "-Rank", "-RankCount", "-Split", "-Cache", "-Repeat", "-HostMemoryLimit", "-DeviceMemoryLimit", "''");

    /// <summary>Whether the budget in a row is a device limit that was given. The budget of a card can also be its free memory.</summary>
    public static bool KnowsDeviceLimit(ReportGroup group) => DeviceRegistry.IsSimulated(group.Device) || !group.HasDevice;

    /// <summary>Whether a group has loads of MemLoad. Programs of others cannot be measured again from their rows.</summary>
    public static bool Knows(ReportGroup group) => group.Strategies.Any(IsLoad);

    // Strategies have names and no numbers.
    private static bool IsLoad(ReportStrategy measured) =>
        Enum.TryParse(measured.Typical.Strategy, ignoreCase: false, out Strategy known) && known.ToString() == measured.Typical.Strategy;

    private static string Line(ReportGroup group, string command, string path, string strategy, string device, string dtype, string rank,
        string rankCount, string split, string cache, string repeat, string hostLimit, string deviceLimit, string quote)
    {
        LoadMeasurement known = group.Known;
        int runs = group.Strategies.SelectMany(measured => measured.Rows).Max(row => row.Run);
        IEnumerable<string> strategies = group.Strategies.Where(IsLoad).Select(measured => Quote(measured.Typical.Strategy)).Distinct();
        IEnumerable<string?> words =
        [
            command,
            known.Path is null ? null : $"{path} {Quote(known.Path)}",
            $"{strategy} {string.Join(',', strategies)}",
            $"{device} {Quote(group.Device)}",
            known.DType is null ? null : $"{dtype} {Quote(known.DType)}",
            known.RankCount is null
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"{rank} {known.Rank} {rankCount} {known.RankCount}"),
            known.Split is null ? null : $"{split} {Quote(known.Split)}",
            known.Cache is null or "AsIs" ? null : $"{cache} {Quote(known.Cache)}",
            runs > 1 ? string.Create(CultureInfo.InvariantCulture, $"{repeat} {runs}") : null,
            known is { HostLimit: MemoryBudget.OwnLimit, HostBudgetBytes: long host }
                ? string.Create(CultureInfo.InvariantCulture, $"{hostLimit} {host}") : null,
            KnowsDeviceLimit(group) && known.DeviceBudgetBytes is long capacity
                ? string.Create(CultureInfo.InvariantCulture, $"{deviceLimit} {capacity}")
                : null,
        ];
        return string.Join(' ', words.OfType<string>());

        // Rows are not trusted. Text that is pasted into a shell must stay one word.
        string Quote(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or ':')
            ? text
            : $"'{text.Replace("'", quote, StringComparison.Ordinal)}'";
    }
}
