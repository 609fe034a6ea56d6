using Spectre.Console;

namespace MemLoad.Cli;

/// <summary>Prints verdicts: one line per file. The findings and remedies follow below the table.</summary>
internal static class TestView
{
    public static void Write(IReadOnlyList<WeightVerdict> verdicts, CliConsole console)
    {
        TextTable table = new TextTable(console).Column("Verdict").Column("Rule").Column("Format").Column("Tensors", right: true)
            .Column("Path");
        foreach (WeightVerdict verdict in verdicts)
        {
            Color colour = !verdict.IsSound ? Color.Red : verdict.Warning is null ? Color.Green : Color.Yellow;
            table.Row(
                new Cell(verdict.Verdict, colour), verdict.RuleId ?? "-", verdict.Format ?? "-",
                verdict.TensorCount is long count ? Figures.Count(count) : "-", verdict.Path);
        }
        table.Write();
        foreach (WeightVerdict verdict in verdicts)
        {
            if (verdict.Finding is string finding)
            {
                string place = verdict.Offset is long offset ? $"{verdict.File ?? verdict.Path}, byte {offset}" : verdict.File
                    ?? verdict.Path;
                TextTable.Line(console, $"{verdict.RuleId}: {finding} ({place}). {verdict.Remedy}");
            }
            if (verdict.Warning is string warning)
            {
                TextTable.Line(console, $"{verdict.Path}: {warning}.");
            }
        }
    }
}
