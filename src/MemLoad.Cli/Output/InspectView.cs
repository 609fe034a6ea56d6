using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>Prints the tensors of a checkpoint as a table.</summary>
internal static class InspectView
{
    private const int EntriesShown = 5;
    private const int FileColumn = 5; // only if there are several files
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
        table.Write(
            result.Tensors.Count,
            (row, column, room) =>
                TextOf(result.Tensors[row], column >= FileColumn && !severalFiles ? column + 1 : column, folder, room));
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

    private static ReadOnlySpan<char> TextOf(WeightInfo tensor, int column, string? folder, Span<char> room)
    {
        switch (column)
        {
            case 0:
                return tensor.Name.Length == 0 ? "(bare tensor)" : Printable.Text(tensor.Name, Printable.LongestCell);
            case 1:
                return tensor.DType;
            case 2:
                return ShapeOf(tensor.Shape, room);
            case 3:
                return Figures.Count(tensor.Bytes, room);
            case 4:
                return Figures.Count(tensor.Offset, room);
            case FileColumn:
                return Printable.Text(
                    folder is null ? Path.GetFileName(tensor.File) : Path.GetRelativePath(folder, tensor.File), Printable.LongestCell);
            default:
                return tensor.Sha256 ?? "";
        }
    }

    private static ReadOnlySpan<char> ShapeOf(string shape, Span<char> room)
    {
        if ((2 * shape.Length) + 2 > room.Length)
        {
            return Printable.Text($"({shape.Replace(",", ", ", StringComparison.Ordinal)})", Printable.LongestCell);
        }
        int length = 0;
        room[length++] = '(';
        foreach (char c in shape)
        {
            room[length++] = c;
            if (c == ',')
            {
                room[length++] = ' ';
            }
        }
        room[length++] = ')';
        return room[..length];
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
