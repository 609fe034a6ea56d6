using MemLoad.Cli;

namespace MemLoad.Tests.Cli;

/// <summary>Rows to print.</summary>
internal static class Rows
{
    public static LoadMeasurement Loaded(string strategy, long device = 3L << 30, long host = 5L << 20, int run = 1) => new()
    {
        Strategy = strategy,
        Device = "sim",
        Outcome = nameof(LoadOutcome.Loaded),
        Path = "/tmp/model.pth",
        Format = "TorchZip",
        Size = "gpt2-small",
        TensorCount = 160,
        ParameterCount = 162_000_000,
        ModelBytes = 683_000_000,
        FileBytes = 684_000_000,
        PeakDeviceBytes = device,
        PeakDeviceReservedBytes = device,
        ForecastDeviceBytes = device,
        PeakHostBytes = host,
        PeakHostFileBytes = 0,
        ForecastHostBytes = host,
        ForecastHostFileBytes = 0,
        DeviceErrorPermille = 0,
        HostErrorPermille = 0,
        FinalHostBytes = 0,
        ElapsedMicroseconds = 412_345,
        BytesPerSecond = 1_650_000_000,
        Cache = "AsIs",
        CachedBytesAtStart = 684_000_000,
        MajorFaults = 0,
        WeightsDigest = new string('a', 64),
        Run = run,
        HostName = "host",
        ProcessorName = "processor",
        TotalMemoryBytes = 1L << 34,
        StartedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        ModuleVersion = "0.1.0",
    };

    public static LoadMeasurement Failed(string strategy, LoadOutcome outcome, string message, int run = 1) => new()
    {
        Strategy = strategy,
        Device = "sim",
        Outcome = outcome.ToString(),
        Run = run,
        HostName = "host",
        StartedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        ModuleVersion = "0.1.0",
        Message = message,
    };

    public static string Print(Action<CliConsole> print, bool colour = false)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        print(colour ? CliConsole.ForTerminal(output, error, colour: true) : CliConsole.ForWriters(output, error));
        Assert.Empty(error.ToString());
        return output.ToString();
    }
}
