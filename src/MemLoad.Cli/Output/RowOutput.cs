using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>Rows in the form that was asked for.</summary>
internal static class RowOutput
{
    /// <summary>Writes rows to standard output.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="format">The form.</param>
    /// <param name="array">How they go out as JSON.</param>
    /// <param name="row">How one goes out as CSV.</param>
    /// <param name="table">Writes them for people.</param>
    /// <param name="console">Where to.</param>
    public static void Write<T>(IEnumerable<T> rows, OutputFormat format, JsonTypeInfo<T[]> array, JsonTypeInfo<T> row, Action table, CliConsole console)
        where T : notnull
    {
        switch (format)
        {
            case OutputFormat.Json:
                JsonOutput.Write([.. rows], array, console.Out);
                break;
            case OutputFormat.Csv:
                CsvWriter.Write(rows, row, console.Out);
                break;
            default:
                table();
                break;
        }
    }
}
