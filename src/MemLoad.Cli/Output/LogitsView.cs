namespace MemLoad.Cli;

/// <summary>Prints the most likely next tokens. There is no tokenizer, so tokens are ids.</summary>
internal static class LogitsView
{
    private const int Shown = 5;

    public static void Write(InvokeResult result, CliConsole console)
    {
        int vocabulary = (int)result.Shape[2];
        float[] logits = result.Logits[^vocabulary..];
        double largest = logits.Aggregate(float.NegativeInfinity, Math.Max);
        double sum = logits.Sum(logit => Math.Exp(logit - largest));
        TextTable.Line(console, $"most likely after {Figures.Count(result.Shape[1], "token")}, of {Figures.Count(vocabulary)}");
        TextTable table = new TextTable(console).Column("Token id", right: true).Column("Logit", right: true)
            .Column("Probability", right: true);
        foreach (int id in Enumerable.Range(0, vocabulary).OrderByDescending(id => logits[id]).Take(Shown))
        {
            table.Row(id.ToString(CultureInfo.InvariantCulture), logits[id].ToString("0.0000", CultureInfo.InvariantCulture),
                (Math.Exp(logits[id] - largest) / sum * 100).ToString("0.00", CultureInfo.InvariantCulture) + " %");
        }
        table.Write();
    }
}
