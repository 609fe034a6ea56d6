namespace MemLoad;

/// <summary>Rules on rows and samples of earlier runs, which reports are made of (ML81xx).</summary>
internal static partial class Rules
{
    private static readonly Remedy WriteRowsAgain = $"Give the rows of {Act.Measure}, written as CSV or JSON.";

    private static readonly Remedy MeasureSamplesAgain = $"Give a file that {Setting.TimelinePath} wrote. docs/report.md defines its form.";
    public static readonly Rule RowsUnreadable = new("ML8101", "rows are JSON objects, or CSV with a header", WriteRowsAgain);
    public static readonly Rule RowColumnMissing = new("ML8102", "rows have the columns that identify a load", WriteRowsAgain);
    public static readonly Rule RowValueInvalid = new("ML8103", "each value of a row has the type of its column",
        "Use the rows as they were written: an editor or a spreadsheet may have changed the values.");
    public static readonly Rule RowsNone = new("ML8104", "the input has at least one row", $"Measure first: {Act.Measure}.");
    public static readonly Rule ReportInputTooLarge = new("ML8105", "a file of rows or samples has at most 100,000,000 bytes",
        "Check that this is a file of rows or samples. Split a larger one: a report takes several files.");
    public static readonly Rule SeriesMixed = new("ML8106", "rows of different loads have different labels as metrics",
        $"Give each load its own name when it is measured ({(Act.Measure, Setting.ModelName)}), or write a file for each.");

    // A file of samples is JSON lines in UTF-8, and no object has a name twice.
    public static readonly Rule TimelineSyntax = new("ML8111", "a file of samples is JSON lines in UTF-8", MeasureSamplesAgain);
    public static readonly Rule TimelineForm =
        new("ML8112", "each line of samples has the form that docs/report.md defines", MeasureSamplesAgain);
    public static readonly Rule TimelineVersion =
        new("ML8113", "the version of each line of samples is supported", "Use the MemLoad that wrote it, or a later one.");
}
