using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>Prints rows in the requested form.</summary>
internal static class RowOutput
{
    /// <summary>Writes rows to standard output.</summary>
    public static void Write<T>(IEnumerable<T> rows, OutputFormat format, JsonTypeInfo<T[]> array, JsonTypeInfo<T> row, Action table,
        CliConsole console)
        where T : notnull =>
        Write(format, () => JsonOutput.Write([.. rows], array, console.Out), rows, row, table, console);

    /// <summary>Writes one row to standard output. In the form for people, it is a line.</summary>
    public static void WriteOne<T>(T row, OutputFormat format, JsonTypeInfo<T> type, string line, CliConsole console)
        where T : notnull =>
        Write(format, () => JsonOutput.Write(row, type, console.Out), [row], type, () => console.Out.WriteLine(line), console);

    /// <summary>Writes a result to standard output in the requested form: JSON, the rows of CSV, or a table.</summary>
    public static void Write<T>(
        OutputFormat format, Action json, IEnumerable<T> rows, JsonTypeInfo<T> row, Action table, CliConsole console)
        where T : notnull
    {
        switch (format)
        {
            case OutputFormat.Json:
                json();
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
