using MemLoad.Tests.Measurement;

namespace MemLoad.Tests.Choosing;

/// <summary>The speed measurement that Auto uses. It is real and short, it is kept, and it is repeated when it is not valid.</summary>
[Collection(QuietProcess.Name)]
public sealed class MachineSpeedTests : IDisposable
{
    private readonly TemporaryFolder _cache = new();
    private readonly string? _before = Environment.GetEnvironmentVariable("MEMLOAD_CACHE");

    public MachineSpeedTests() => Environment.SetEnvironmentVariable("MEMLOAD_CACHE", _cache.Path);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("MEMLOAD_CACHE", _before);
        _cache.Dispose();
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void It_is_measured_once_and_kept_and_leaves_no_other_files(string device)
    {
        Assert.Null(MachineSpeed.Known(device));

        MachineSpeed measured = MachineSpeed.Ensure(device, budgetBytes: 24 << 20);

        Assert.All(measured.Nanoseconds.Values, value => Assert.True(value > 0 && double.IsFinite(value)));
        Assert.Equal(measured.Nanoseconds, MachineSpeed.Known(device)!.Nanoseconds);
        Assert.Equal(measured.MeasuredAt, MachineSpeed.Ensure(device, null).MeasuredAt);
        Assert.Equal([Path.GetFileName(MachineSpeed.PathFor(device))], _cache.Names);
    }

    [SkippableTheory]
    [InlineData("\"HostName\": \"", "\"HostName\": \"another-")]
    [InlineData("\"ProcessorName\": \"", "\"ProcessorName\": \"another ")]
    [InlineData("\"ModuleVersion\": \"", "\"ModuleVersion\": \"9")]
    [InlineData("\"MeasuredAt\": \"20", "\"MeasuredAt\": \"19")]
    [InlineData("{", "")]
    public void Figures_of_another_machine_another_version_or_last_month_are_not_used(string text, string replacement)
    {
        _ = MachineSpeed.Ensure("cpu", budgetBytes: 24 << 20);
        string path = MachineSpeed.PathFor("cpu");
        string kept = File.ReadAllText(path);
        int at = kept.IndexOf(text, StringComparison.Ordinal);
        Skip.If(at < 0, "this machine does not name its processor");
        File.WriteAllText(path, string.Concat(kept.AsSpan(0, at), replacement, kept.AsSpan(at + text.Length)));

        Assert.Null(MachineSpeed.Known("cpu"));
    }

    [Fact]
    public void Without_a_cache_folder_it_is_measured_and_kept_for_the_process()
    {
        string file = _cache.Write("file", "");
        Environment.SetEnvironmentVariable("MEMLOAD_CACHE", Path.Combine(file, "below"));

        MachineSpeed measured = MachineSpeed.Ensure("cpu", budgetBytes: 24 << 20);

        Assert.True(measured.Nanoseconds.Count > 0);
        Assert.Same(measured, MachineSpeed.Known("cpu")); // until the process ends
        Environment.SetEnvironmentVariable("MEMLOAD_CACHE", _cache.Path);
        Assert.Null(MachineSpeed.Known("cpu"));
    }
}
