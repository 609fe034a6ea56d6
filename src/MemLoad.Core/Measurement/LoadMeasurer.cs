using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace MemLoad;

/// <summary>Measures loads, each in a fresh child process, so that nobody's garbage and nobody's allocator counts.</summary>
/// <param name="worker">How to start the child; the running program itself if not given.</param>
/// <param name="timelines">Takes the samples of each load that was begun; null if nobody wants them.</param>
/// <param name="started">Hears the id of each child process as it starts.</param>
public sealed class LoadMeasurer(WorkerCommand? worker = null, Action<LoadTimeline>? timelines = null, Action<int>? started = null)
{
    private readonly WorkerCommand _worker = worker ?? WorkerCommand.ForThisProgram();

    /// <summary>Measures one load in a child process. The child dies with this process, and a child that dies is a row, never an exception.</summary>
    /// <param name="request">What to load and how.</param>
    /// <param name="cancellationToken">Kills the child; the row's outcome is then <see cref="LoadOutcome.Canceled"/>.</param>
    public async Task<LoadMeasurement> MeasureAsync(LoadRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request = request with { Timeline = timelines is not null };
        LoadMeasurement row = EmptyRow(request, DateTimeOffset.Now);
        long? killsBefore = OomWatch.Count();
        try
        {
            using Process child = Start();
            started?.Invoke(child.Id);
            // Killing is the one way to stop that works whatever the child is doing.
            using CancellationTokenRegistration kill = cancellationToken.Register(() => Kill(child));
            Task<string> complaints = child.StandardError.ReadToEndAsync(CancellationToken.None);
            string? answer = await AskAsync(child, request).ConfigureAwait(false);
            // Read before the wait: a child with more to say than a pipe holds does not end.
            string? samples = request.Timeline && answer is not null ? await child.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) : null;
            await child.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            if (cancellationToken.IsCancellationRequested)
            {
                return With(row, LoadOutcome.Canceled, Rules.Interrupted.Broken("the measurement was interrupted"));
            }
            if (samples is not null)
            {
                timelines?.Invoke(TimelineFile.Parse(samples));
            }
            return answer is null
                ? Death(row, child.ExitCode, OomWatch.Count() > killsBefore, await complaints.ConfigureAwait(false))
                : JsonSerializer.Deserialize(answer, MeasurementJson.Default.LoadMeasurement)!;
        }
        catch (Exception e) when (e is Win32Exception or IOException or JsonException or MemLoadException)
        {
            return With(row, LoadOutcome.Failed, Rules.WorkerFailed.Broken($"the measured process gave no answer: {e.Message.TrimEnd('.')}", innerException: e));
        }
    }

    /// <summary>Measures one load in this process, as the notebook does: what the process already holds can blur the figures.</summary>
    /// <param name="request">What to load and how.</param>
    /// <param name="cancellationToken">Stops the load.</param>
    public static LoadMeasurement MeasureInProcess(LoadRequest request, CancellationToken cancellationToken = default) =>
        MeasureInProcess(request, null, cancellationToken);

    /// <summary>As <see cref="MeasureInProcess(LoadRequest, CancellationToken)"/>, with the samples.</summary>
    /// <param name="request">What to load and how.</param>
    /// <param name="timelines">Takes the samples, if the load was begun.</param>
    /// <param name="cancellationToken">Stops the load.</param>
    public static LoadMeasurement MeasureInProcess(LoadRequest request, Action<LoadTimeline>? timelines, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return MeasuredLoad.Run(request, timelines, cancellationToken);
    }

    internal static LoadMeasurement EmptyRow(LoadRequest request, DateTimeOffset now) => new()
    {
        Strategy = request.Strategy.ToString(),
        Device = request.Device.ToLowerInvariant(),
        Outcome = nameof(LoadOutcome.Failed),
        Path = request.Path is null ? null : FullPath.Of(request.Path),
        DType = request.DType?.TorchName(),
        Rank = request.RankCount > 1 ? request.Rank : null,
        RankCount = request.RankCount > 1 ? request.RankCount : null,
        Cache = request.Cache.ToString(),
        Run = request.Run,
        HostName = HostFacts.HostName,
        ProcessorName = HostFacts.ProcessorName,
        TotalMemoryBytes = HostFacts.TotalMemoryBytes,
        StartedAt = now.ToString("yyyy-MM-ddTHH:mm:ss.fffzzz", CultureInfo.InvariantCulture),
        ModuleVersion = HostFacts.ModuleVersion,
    };

    internal static LoadMeasurement With(LoadMeasurement row, LoadOutcome outcome, MemLoadException reason) =>
        row with { Outcome = outcome.ToString(), Message = $"{reason.Rule.Id}: {reason.Message}" };

    /// <summary>What a row says of a load that did not end well, taken apart again.</summary>
    /// <param name="row">The row.</param>
    /// <returns>The id of the rule that was broken, and finding, place and remedy; null for a load that ended well.</returns>
    public static (string RuleId, string Text)? Problem(LoadMeasurement row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (row.Outcome == nameof(LoadOutcome.Loaded))
        {
            return null;
        }
        string message = row.Message ?? "";
        int colon = message.IndexOf(": ", StringComparison.Ordinal);
        return colon < 0 ? (Rules.WorkerFailed.Id, message) : (message[..colon], message[(colon + 2)..]);
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(_worker.FileName, _worker.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            CreateNoWindow = true,
        };
        // No diagnostics socket in the temp folder, which a killed child would leave behind.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        // Whatever the host's own settings: one thread fewer, no memory kept for throughput.
        start.Environment["DOTNET_gcConcurrent"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        // A path with the separator in it cannot be named there; the arguments do as well.
        if (_worker.StartupHook is string hook && !hook.Contains(Path.PathSeparator, StringComparison.Ordinal))
        {
            start.Environment[StartupHook.Variable] = hook;
        }
        if (Headroom.Now().Limits.FirstOrDefault(limit => limit.Counts == Counted.AddressSpace) is MemoryLimit addressSpace)
        {
            foreach ((string name, string value) in WorkerCommand.SettingsForAddressSpace(addressSpace.LimitBytes))
            {
                start.Environment[name] = value;
            }
        }
        return Process.Start(start) ?? throw new IOException("it did not start");
    }

    // One line each way. Standard input stays open: its end tells the child that its parent is gone.
    private static async Task<string?> AskAsync(Process child, LoadRequest request)
    {
        try
        {
            await child.StandardInput.WriteLineAsync(JsonSerializer.Serialize(request, MeasurementJson.Default.LoadRequest)).ConfigureAwait(false);
            await child.StandardInput.FlushAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It died before it could listen; its exit code says more than the broken pipe.
        }
        return await child.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false);
    }

    private static LoadMeasurement Death(LoadMeasurement row, int exitCode, bool oomKill, string complaints)
    {
        const int Sigabrt = 128 + 6;
        const int Sigkill = 128 + 9;
        int sigbus = 128 + (OperatingSystem.IsMacOS() ? 10 : 7);
        string first = complaints.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "";
        if (oomKill)
        {
            return With(row, LoadOutcome.OutOfMemory, Rules.WorkerOutOfMemory.Broken("the kernel killed the measured process for want of memory"));
        }
        if (complaints.Contains("Out of memory", StringComparison.OrdinalIgnoreCase))
        {
            return With(row, LoadOutcome.OutOfMemory, Rules.WorkerOutOfMemory.Broken($"the measured process ran out of memory ({first})"));
        }
        // The runtime turns the signal into its own words if managed code was what touched the page.
        if (exitCode == sigbus || (exitCode == Sigabrt && complaints.Contains(nameof(AccessViolationException), StringComparison.Ordinal)))
        {
            return With(row, LoadOutcome.Killed, Rules.WorkerLostMapping.Broken(
                "the measured process touched mapped bytes that were no longer there (SIGBUS): the file became shorter meanwhile, or its disk could not be read",
                row.Path));
        }
        string said = first.Length > 0 ? $": {first}" : "";
        return exitCode > 128
            ? With(row, LoadOutcome.Killed, Rules.WorkerKilled.Broken($"the measured process was ended by signal {exitCode - 128}{(exitCode == Sigkill ? " (SIGKILL)" : "")}{said}"))
            : With(row, LoadOutcome.Failed, Rules.WorkerFailed.Broken($"the measured process ended with code {exitCode}{said}"));
    }

    private static void Kill(Process child)
    {
        try
        {
            child.Kill();
        }
        catch (InvalidOperationException)
        {
            // Gone already.
        }
    }
}
