using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>Prints the tensors of a checkpoint as a table.</summary>
internal static class InspectView
{
    private const int EntriesShown = 5;
    private const int LongestValue = 41;

    public static void Write(InspectResult result, CliConsole console)
    {
        int files = result.Tensors.Select(tensor => tensor.File).Distinct().Count();
        bool severalFiles = files > 1;
        string? folder = RemoteAddress.Is(result.Path) ? null
            : Directory.Exists(result.Path) ? result.Path : Path.GetDirectoryName(result.Path)!;
        bool hashed = result.Tensors.Any(tensor => tensor.Sha256 is not null);
        TextTable.Line(console, $"{result.Path} ({result.Format})", new Style(decoration: Decoration.Bold));
        TextTable table = new TextTable(console).Column("Name").Column("DType").Column("Shape").Column("Bytes", right: true)
            .Column("Offset", right: true);
        if (severalFiles)
        {
            table.Column("File");
        }
        if (hashed)
        {
            table.Column("SHA-256");
        }
        Span<Cell> cells = new Cell[5 + (severalFiles ? 1 : 0) + (hashed ? 1 : 0)];
        foreach (WeightInfo tensor in result.Tensors)
        {
            cells[0] = tensor.Name.Length == 0 ? "(bare tensor)" : tensor.Name;
            cells[1] = tensor.DType;
            cells[2] = $"({tensor.Shape.Replace(",", ", ", StringComparison.Ordinal)})";
            cells[3] = Figures.Count(tensor.Bytes);
            cells[4] = Figures.Count(tensor.Offset);
            if (severalFiles)
            {
                cells[5] = folder is null ? Path.GetFileName(tensor.File) : Path.GetRelativePath(folder, tensor.File);
            }
            if (hashed)
            {
                cells[^1] = tensor.Sha256 ?? "";
            }
            table.Row(cells);
        }
        table.Write();
        // The sum of expanded views may exceed 64 bits.
        long bytes = WeightsDigest.Saturated(result.Tensors.Select(tensor => tensor.Bytes));
        TextTable.Line(console,
            $"{Figures.Count(result.Tensors.Count, "tensor")}, {Printable.Bytes(bytes)}; "
            + $"{Figures.Count(files, "file")}, {Printable.Bytes(result.FileBytes)}");
        if (result.Metadata.Count > 0)
        {
            string more = result.Metadata.Count > EntriesShown ? ", …" : "";
            TextTable.Line(console,
                $"{Figures.Count(result.Metadata.Count)} other {(result.Metadata.Count == 1 ? "entry" : "entries")}: "
                + $"{string.Join(", ", result.Metadata.Take(EntriesShown).Select(Entry))}{more}");
        }
        foreach (string finding in result.Findings ?? [])
        {
            TextTable.Line(console, $"{finding}.");
        }
    }

    private static string Entry(KeyValuePair<string, object?> entry)
    {
        string value = entry.Value switch
        {
            null => "none",
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            object other => other.ToString() ?? "",
        };
        return $"{Printable.Text(entry.Key, Printable.LongestName)} = {Printable.Text(value, LongestValue)}";
    }
}
