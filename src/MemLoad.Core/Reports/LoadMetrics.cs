using System.Text;

namespace MemLoad;

/// <summary>
/// Writes rows as metrics in the text format of Prometheus, version 0.0.4, which the textfile collectors of node_exporter and
/// windows_exporter read. Units are base units: seconds and bytes. A row that did not load has no figures, and <c>memload_load_success</c>
/// 0.
/// </summary>
internal static class LoadMetrics
{
    private const string Extension = ".prom";

    private static readonly (string Name, string Help, Func<LoadMeasurement, string?> Value)[] Gauges =
    [
        ("memload_load_success", "Whether the load ended with all weights in place (1) or not (0).", row => row.IsLoaded ? "1" : "0"),
        ("memload_load_status", "The status of the row: pass (0), warn (1) or fail (2).", Status),
        ("memload_load_seconds", "Wall time of the load.", row => Scaled(row.ElapsedMicroseconds, 1e6m)),
        ("memload_peak_host_bytes", "Peak of anonymous and shared host memory of the load.", row => Whole(row.PeakHostBytes)),
        ("memload_forecast_host_bytes", "Forecast of memload_peak_host_bytes.", row => Whole(row.ForecastHostBytes)),
        ("memload_peak_device_bytes", "Peak of allocated device memory.", row => Whole(row.PeakDeviceBytes)),
        ("memload_forecast_device_bytes", "Forecast of memload_peak_device_bytes.", row => Whole(row.ForecastDeviceBytes)),
        ("memload_host_budget_bytes", "Host memory that the load was allowed to use.", row => Whole(row.HostBudgetBytes)),
        ("memload_model_bytes", "Bytes of all parameters and buffers in memory.", row => Whole(row.ModelBytes)),
        ("memload_major_faults", "Page faults of the load that needed the disk.", row => Whole(row.MajorFaults)),
        ("memload_last_run_timestamp_seconds", "Start of the measurement, in seconds since 1970-01-01 UTC.", Timestamp),
    ];

    /// <summary>Returns the text: for each metric its HELP and TYPE, then its samples.</summary>
    /// <param name="rows">The rows. Of several runs of the same load, the loaded run with the median time counts.</param>
    /// <param name="model">The value of the label <c>model</c>. Null uses the name in the row, else the known model size, else an empty
    /// value. A path is never used as a label.</param>
    /// <exception cref="MemLoadException">ML8106: rows of different loads have the same labels.</exception>
    public static string Format(IReadOnlyList<LoadMeasurement> rows, string? model = null)
    {
        LoadMeasurement[] shown =
            [.. rows.GroupBy(row => Labels(row, model), StringComparer.Ordinal).Select(runs => TypicalOf(runs.Key, [.. runs]))];
        var text = new StringBuilder();
        foreach ((string name, string help, Func<LoadMeasurement, string?> value) in Gauges)
        {
            Family(name, help, shown.Select(row => (Labels(row, model), value(row))));
        }
        Family("memload_row_info", "What a load was, and how it ended. The value is always 1.",
            shown.Select(row => (Labels(row, model) + Info(row), (string?)"1")));
        return text.ToString();

        void Family(string name, string help, IEnumerable<(string Labels, string? Value)> samples)
        {
            (string Labels, string? Value)[] known = [.. samples.Where(sample => sample.Value is not null)];
            if (known.Length > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
                foreach ((string labels, string? figure) in known)
                {
                    text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {figure}\n");
                }
            }
        }
    }

    /// <summary>
    /// Writes the text to a file with the extension <c>.prom</c>: collectors read no others. Readers see the old file or the new one, never
    /// a part. If the write is stopped, the file stays as it was.
    /// </summary>
    /// <returns>The absolute path.</returns>
    /// <exception cref="MemLoadException">ML8104 without rows, ML8106, ML1008 for another extension, ML9102 to ML9105.</exception>
    public static string Write(
        IReadOnlyList<LoadMeasurement> rows, string path, string? model, CancellationToken cancellationToken = default)
    {
        if (rows.Count == 0)
        {
            throw Rules.RowsNone.Broken("there are no rows");
        }
        string target = TargetOf(path);
        AtomicFile.Write(target, Encoding.UTF8.GetBytes(Format(rows, model)), overwrite: true, cancellationToken);
        return target;
    }

    /// <summary>Checks before a measurement that <see cref="Write"/> can write a file.</summary>
    /// <exception cref="MemLoadException">ML1008 for another extension, ML9102 to ML9104.</exception>
    public static void RequireWritable(string path) => WriteTarget.RequireWritable(TargetOf(path));

    /// <summary>Whether the name of a file is one that collectors read.</summary>
    public static bool IsTarget(string path) => Path.GetExtension(path).Equals(Extension, StringComparison.Ordinal);

    private static string TargetOf(string path) =>
        IsTarget(path)
            ? WriteTarget.ForFile(path, overwrite: true)
            : throw Rules.ExtensionWrong.Broken(
                $"the name of the file does not end in {Extension}, and collectors read only such files",
                path,
                remedy: "Name it NAME.prom.");

    // A load that failed must not disappear behind another one that has the same labels.
    private static LoadMeasurement TypicalOf(string labels, IReadOnlyList<LoadMeasurement> runs)
    {
        (string Name, Func<LoadMeasurement, string?> Value)[] columns =
        [
            ("Path", row => row.Path), ("HostName", row => row.HostName), ("DType", row => row.DType), ("Cache", row => row.Cache),
            ("Split", row => row.Split), ("RankCount", row => Whole(row.RankCount)),
        ];
        foreach ((string name, Func<LoadMeasurement, string?> value) in columns)
        {
            if (runs.FirstOrDefault(row => value(row) != value(runs[0])) is LoadMeasurement other)
            {
                throw Rules.SeriesMixed.Broken($"rows that differ in {name} ({Printable.Quote(value(runs[0]) ?? "")} and "
                    + $"{Printable.Quote(value(other) ?? "")}) would be one series, {labels}");
            }
        }
        return ReportStrategy.TypicalOf(runs);
    }

    // The host name is not a label, because Prometheus adds the instance.
    private static string Labels(LoadMeasurement row, string? model)
    {
        string labels =
            $"model=\"{Escape(model ?? row.Model ?? row.Size)}\",strategy=\"{Escape(row.Strategy)}\",device=\"{Escape(row.Device)}\"";
        return row.RankCount is null ? labels : FormattableString.Invariant($"{labels},rank=\"{row.Rank}\"");
    }

    private static string Info(LoadMeasurement row) =>
        $",outcome=\"{Escape(row.Outcome)}\",verdict=\"{Escape(row.Verdict)}\",chosen_strategy=\"{Escape(row.ChosenStrategy)}\""
        + $",format=\"{Escape(row.Format)}\",file_system=\"{Escape(row.FileSystem)}\""
        + $",dtype=\"{Escape(row.DType)}\",weights_digest=\"{Escape(row.WeightsDigest)}\",version=\"{Escape(row.ModuleVersion)}\"";

    // The format escapes backslash, quote and line feed; hidden characters are escaped as everywhere.
    private static string Escape(string? text) =>
        Printable.Text(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string? Whole(long? figure) => figure?.ToString(CultureInfo.InvariantCulture);

    private static string? Scaled(long? figure, decimal unit) =>
        figure is long known ? (known / unit).ToString(CultureInfo.InvariantCulture) : null;

    private static string? Status(LoadMeasurement row) =>
        Enum.TryParse(row.Status, out RowStatus status) ? Whole((long)status) : null;

    private static string? Timestamp(LoadMeasurement row) => Scaled(row.StartedAt.ToUnixTimeMilliseconds(), 1e3m);
}
