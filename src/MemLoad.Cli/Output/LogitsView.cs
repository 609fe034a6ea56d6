using System.Globalization;

namespace MemLoad.Cli;

/// <summary>Prints the most likely next tokens. There is no tokenizer, so tokens are ids.</summary>
internal static class LogitsView
{
    private const int Shown = 5;

    public static void Write(InvokeResult result, CliConsole console)
    {
        int vocabulary = (int)result.Shape[2];
        ReadOnlySpan<float> last = result.Logits.AsSpan()[^vocabulary..];
        double largest = float.NegativeInfinity;
        foreach (float logit in last)
        {
            largest = Math.Max(largest, logit);
        }
        double sum = 0;
        foreach (float logit in last)
        {
            sum += Math.Exp(logit - largest);
        }
        float[] logits = last.ToArray();
        TextTable.Line(console, $"most likely after {Units.Count(result.Shape[1], "token")}, of {Units.Count(vocabulary)}");
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
