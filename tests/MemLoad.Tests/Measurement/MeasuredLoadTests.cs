namespace MemLoad.Tests.Measurement;

public sealed class MeasuredLoadTests
{
    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public void A_path_that_names_nothing_is_a_failed_row(string path)
    {
        LoadMeasurement row = MeasuredLoad.Run(
            new MeasureRequest(new LoadRequest { Path = path, Strategy = Strategy.Stream, Device = "cpu" }));

        Assert.Equal((nameof(LoadOutcome.Failed), null), (row.Outcome, row.Path));
        Assert.StartsWith("ML1001: ", row.Message, StringComparison.Ordinal);
    }
}
