using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>Prints rows in the requested form.</summary>
internal static class RowOutput
{
    /// <summary>Writes rows to standard output.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="format">The form.</param>
    /// <param name="array">The JSON type of all rows.</param>
    /// <param name="row">The type of one row, for CSV.</param>
    /// <param name="table">Prints them as a table.</param>
    /// <param name="console">The console to write to.</param>
    public static void Write<T>(IEnumerable<T> rows, OutputFormat format, JsonTypeInfo<T[]> array, JsonTypeInfo<T> row, Action table,
        CliConsole console)
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

    /// <summary>Writes one row to standard output.</summary>
    /// <param name="row">The row.</param>
    /// <param name="format">The form.</param>
    /// <param name="type">The type of the row.</param>
    /// <param name="line">The line for people.</param>
    /// <param name="console">The console to write to.</param>
    public static void WriteOne<T>(T row, OutputFormat format, JsonTypeInfo<T> type, string line, CliConsole console)
        where T : notnull
    {
        switch (format)
        {
            case OutputFormat.Json:
                JsonOutput.Write(row, type, console.Out);
                break;
            case OutputFormat.Csv:
                CsvWriter.Write([row], type, console.Out);
                break;
            default:
                console.Out.WriteLine(line);
                break;
        }
    }
}
