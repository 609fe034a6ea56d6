namespace MemLoad.Cli;

/// <summary>Prints what was written.</summary>
internal static class WriteResultView
{
    public static void Print(WriteResult result, OutputFormat format, CliConsole console)
    {
        string size = $"{Units.Count(result.TensorCount, "tensor")}, {Printable.Bytes(result.FileBytes)}";
        RowOutput.WriteOne(
            result, format, JsonOutput.Types.WriteResult, $"{Printable.Text(result.Path)} ({result.Format}): {size}", console);
    }
}
