namespace MemLoad.Cli;

/// <summary>Prints what was written.</summary>
internal static class WriteResultView
{
    public static void Print(WriteResult result, OutputFormat format, CliConsole console)
    {
        switch (format)
        {
            case OutputFormat.Json:
                JsonOutput.Write(result, JsonOutput.Types.WriteResult, console.Out);
                break;
            case OutputFormat.Csv:
                CsvWriter.Write([result], JsonOutput.Types.WriteResult, console.Out);
                break;
            default:
                console.Out.WriteLine($"{Printable.Text(result.Path)} ({result.Format}): {Units.Count(result.TensorCount, "tensor")}, "
                    + $"{Printable.Bytes(result.FileBytes)}");
                break;
        }
    }
}
