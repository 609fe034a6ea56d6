using System.Text.RegularExpressions;

namespace MemLoad.Tests.Docs;

/// <summary>Compares the pages that describe columns with the types of the rows.</summary>
public sealed partial class RowColumnsTests
{
    private static readonly string[] Measured = Columns(typeof(LoadMeasurement));

    private static readonly string[] Forecast = Columns(typeof(LoadForecast));

    [Fact]
    public void The_page_has_every_column_in_its_order_with_unit_and_source()
    {
        string[] sections = File.ReadAllText(Path.Combine(Repository.Root, "docs/rows.md")).Split("\n## ");

        Assert.Equal(Measured, Cells(sections.Single(section => section.StartsWith("A measured load", StringComparison.Ordinal))));
        Assert.Equal(Forecast, Cells(sections.Single(section => section.StartsWith("A forecast", StringComparison.Ordinal))));

        static IEnumerable<string> Cells(string section) => TableRow().Matches(section).Select(row =>
        {
            Assert.All(row.Groups["text"].Captures, cell => Assert.NotEmpty(cell.Value.Trim()));
            return row.Groups["column"].Value;
        });
    }

    [Theory]
    [InlineData("en-US")]
    [InlineData("ja-JP")]
    public void The_topic_has_every_column_in_its_order(string culture)
    {
        string topic = File.ReadAllText(Path.Combine(Repository.Root, "docs", culture, "about_MemLoad_Rows.help.txt"));
        string[] described = [.. TopicColumn().Matches(topic).Select(match => match.Groups["column"].Value)];

        Assert.Equal([.. Measured, .. Forecast.Except(Measured)], described);
    }

    private static string[] Columns(Type row) => [.. row.GetProperties().Select(property => property.Name)];

    [GeneratedRegex(
        @"^\| `(?<column>\w+)` \|(?<text>[^|\n]+)\|(?<text>[^|\n]+)\|(?<text>[^|\n]+)\|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TableRow();

    // A name and its unit in brackets, before lines with more indentation.
    [GeneratedRegex(@"^    (?<column>[A-Z]\w+) ?[(（].+[)）]\r?\n {8}\S", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TopicColumn();
}
