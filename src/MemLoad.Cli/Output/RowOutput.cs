using System.Text.Json.Serialization.Metadata;

namespace MemLoad.Cli;

/// <summary>Prints rows in the requested form.</summary>
internal static class RowOutput
{
    /// <summary>Writes rows to standard output.</summary>
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
