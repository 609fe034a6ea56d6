namespace MemLoad;

/// <summary>The command that measures a group of rows again, for a shell and for PowerShell.</summary>
internal static class ReportCommands
{
    public static string Shell(ReportGroup group) => Line(group, "memload measure", "'\\''", option => option.Shell);

    public static string PowerShell(ReportGroup group) => Line(group, "Measure-LoadMemory", "''", option => option.PowerShell);

    /// <summary>Whether the budget in a row is a device limit that was given. The budget of a card can also be its free memory.</summary>
    public static bool KnowsDeviceLimit(ReportGroup group) => DeviceRegistry.IsSimulated(group.Device) || !group.HasDevice;

    /// <summary>Whether a group has loads of MemLoad. Programs of others cannot be measured again from their rows.</summary>
    public static bool Knows(ReportGroup group) => group.Strategies.Any(IsLoad);

    // Strategies have names and no numbers.
    private static bool IsLoad(ReportStrategy measured) =>
        Enum.TryParse(measured.Typical.Strategy, ignoreCase: false, out Strategy known) && known.ToString() == measured.Typical.Strategy;

    private static string Line(ReportGroup group, string command, string quote, Func<(string Shell, string PowerShell), string> name)
    {
        LoadMeasurement known = group.Known;
        int runs = group.Strategies.SelectMany(measured => measured.Rows).Max(row => row.Run);
        IEnumerable<string> strategies = group.Strategies.Where(IsLoad).Select(measured => Quote(measured.Typical.Strategy)!).Distinct();
        ((string, string) Option, string? Value)[] options =
        [
            (("--path", "-Path"), Quote(known.Path)),
            (("--strategy", "-Strategy"), string.Join(',', strategies)),
            (("--device", "-Device"), Quote(group.Device)),
            (("--dtype", "-DType"), Quote(known.DType)),
            (("--rank", "-Rank"), known.RankCount is null ? null : Whole(known.Rank) ?? ""),
            (("--rank-count", "-RankCount"), Whole(known.RankCount)),
            (("--split", "-Split"), Quote(known.Split)),
            (("--cache", "-Cache"), known.Cache == "AsIs" ? null : Quote(known.Cache)),
            (("--repeat", "-Repeat"), runs > 1 ? Whole(runs) : null),
            (("--host-memory-limit", "-HostMemoryLimit"), known.HostLimit == MemoryBudget.OwnLimit ? Whole(known.HostBudgetBytes) : null),
            (("--device-memory-limit", "-DeviceMemoryLimit"), KnowsDeviceLimit(group) ? Whole(known.DeviceBudgetBytes) : null),
        ];
        return string.Join(' ',
            options.Where(option => option.Value is not null).Select(option => $"{name(option.Option)} {option.Value}").Prepend(command));

        // Rows are not trusted. Text that is pasted into a shell must stay one word.
        string? Quote(string? text) => text is null ? null
            : text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or ':') ? text
            : $"'{text.Replace("'", quote, StringComparison.Ordinal)}'";

        static string? Whole(long? figure) => figure?.ToString(CultureInfo.InvariantCulture);
    }
}
