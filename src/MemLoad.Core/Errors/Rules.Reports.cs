namespace MemLoad;

/// <summary>Rules on rows and samples of earlier runs, which reports are made of (ML81xx).</summary>
internal static partial class Rules
{
    private static readonly Remedy WriteRowsAgain = $"Give the rows of {Act.Measure}, written as CSV or JSON.";

    private static readonly Remedy MeasureSamplesAgain = $"Give a file that {Setting.TimelinePath} wrote. docs/report.md defines its form.";
    public static Rule RowsUnreadable => field ??= new("ML8101", "rows are JSON objects, or CSV with a header", WriteRowsAgain);
    public static Rule RowColumnMissing => field ??= new("ML8102", "rows have the columns that identify a load", WriteRowsAgain);
    public static Rule RowValueInvalid => field ??= new("ML8103", "each value of a row has the type of its column",
        "Use the rows as they were written. An editor or a spreadsheet may have changed the values.");
    public static Rule RowsNone => field ??= new("ML8104", "the input has at least one row", $"Measure first: {Act.Measure}.");
    public static Rule ReportInputTooLarge => field ??= new("ML8105", "a file of rows or samples has at most 100,000,000 bytes",
        "Check that this is a file of rows or samples. Split a larger file. A report accepts several files.");
    public static Rule SeriesMixed => field ??= new("ML8106", "the metrics of different loads have different labels",
        $"Give each load its own name when it is measured ({(Act.Measure, Setting.ModelName)}), or write one file per load.");

    // A file of samples is JSON lines in UTF-8, and no object has a name twice.
    public static Rule TimelineSyntax => field ??= new("ML8111", "a file of samples is JSON lines in UTF-8", MeasureSamplesAgain);
    public static Rule TimelineForm =>
        field ??= new("ML8112", "each line of samples has the form that docs/report.md defines", MeasureSamplesAgain);
    public static Rule TimelineVersion => field ??= new("ML8113", "the version of each line of samples is supported",
        "Use the version of MemLoad that wrote it, or a later version.");
}
