using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace MemLoad;

/// <summary>Measures loads, each in a new child process, so that memory of earlier loads does not count.</summary>
/// <param name="worker">How to start the child process; by default the running program itself.</param>
/// <param name="timelines">Receives the samples of each load that began; null if they are not needed.</param>
/// <param name="started">Called with the id of each child process when it starts.</param>
public sealed class LoadMeasurer(WorkerCommand? worker = null, Action<LoadTimeline>? timelines = null, Action<int>? started = null)
{
    private const int MostComplaints = 4096;

    private readonly WorkerCommand _worker = worker ?? WorkerCommand.ForThisProgram();

    /// <summary>
    /// Measures one load in a child process. The child ends with this process. A child that is killed becomes a row and never an exception.
    /// </summary>
    /// <param name="request">The load and how it is measured.</param>
    /// <param name="cancellationToken">Kills the child. The outcome of the row is then <see cref="LoadOutcome.Canceled"/>.</param>
    public async Task<LoadMeasurement> MeasureAsync(MeasureRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return await MeasureAsync(request, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Measures ranks of one checkpoint that load at the same time. All are ready before the first of them begins.</summary>
    internal async Task<LoadMeasurement[]> MeasureAsync(IReadOnlyList<MeasureRequest> turn, CancellationToken cancellationToken)
    {
        var allReady = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int awaited = turn.Count;
        return await Task.WhenAll(turn.Select(MeasureOneAsync)).ConfigureAwait(false);

        async Task<LoadMeasurement> MeasureOneAsync(MeasureRequest request)
        {
            bool counted = false;
            try
            {
                return await MeasureAsync(request, ReadyAsync, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                Count(); // the others do not wait for a rank that is refused or has ended
            }

            Task ReadyAsync()
            {
                Count();
                return allReady.Task;
            }

            void Count()
            {
                if (!counted && Interlocked.Decrement(ref awaited) == 0)
                {
                    allReady.SetResult();
                }
                counted = true;
            }
        }
    }

    private async Task<LoadMeasurement> MeasureAsync(
        MeasureRequest request, Func<Task>? waitForOthers, CancellationToken cancellationToken) =>
        (await RunChildAsync(request, waitForOthers, cancellationToken).ConfigureAwait(false)).Judged(request.WarnAbove, request.FailAbove);

    private async Task<LoadMeasurement> RunChildAsync(
        MeasureRequest request, Func<Task>? waitForOthers, CancellationToken cancellationToken)
    {
        request = request with { Timeline = timelines is not null, Words = Vocabulary.Current };
        var row = LoadMeasurement.Begun(request);
        try
        {
            using Process child = Start();
            try
            {
                return await FollowAsync(child, row, request, waitForOthers, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                Kill(child);
                await child.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
                throw;
            }
        }
        catch (Exception e) when (e is Win32Exception or IOException or JsonException or MemLoadException)
        {
            return row.Ended(LoadOutcome.Failed,
                Rules.WorkerFailed.Broken($"the measured process gave no answer: {e.Message.TrimEnd('.')}", innerException: e));
        }
    }

    private async Task<LoadMeasurement> FollowAsync(Process child, LoadMeasurement row, MeasureRequest request, Func<Task>? waitForOthers,
        CancellationToken cancellationToken)
    {
        long? killsBefore = OomWatch.Count();
        started?.Invoke(child.Id);
        // Only killing stops the child in every state.
        using CancellationTokenRegistration kill = cancellationToken.Register(() => Kill(child));
        Task<string> complaints = ReadStartAsync(child.StandardError);
        string? line = await AskAsync(child, request, waitForOthers).ConfigureAwait(false);
        // Checked before the wait: a program that is not a worker may wait for more input and not end.
        LoadMeasurement? answer = line is null || cancellationToken.IsCancellationRequested ? null : ReadAnswer(line);
        // Read before the wait: a child whose output exceeds the pipe's buffer does not end until it is read.
        string? samples = request.Timeline && answer is not null
            ? await child.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) : null;
        await child.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        if (cancellationToken.IsCancellationRequested)
        {
            return row.Ended(LoadOutcome.Canceled, Rules.Interrupted.Broken("the measurement was interrupted"));
        }
        if (samples is not null)
        {
            timelines?.Invoke(TimelineFile.Parse(samples));
        }
        return answer
            ?? ProcessExit.Explain(row, child.ExitCode, OomWatch.Count() > killsBefore, await complaints.ConfigureAwait(false));
    }

    private static LoadMeasurement ReadAnswer(string line)
    {
        LoadMeasurement answer = RecordJson.Read<LoadMeasurement>(line);
        return Enum.GetNames<LoadOutcome>().Contains(answer.Outcome) ? answer : throw new JsonException("its row has no outcome");
    }

    // The explanation of a process that ended has the first line. The rest is read, because the process would wait for a full pipe.
    private static async Task<string> ReadStartAsync(StreamReader reader)
    {
        var start = new StringBuilder();
        char[] piece = new char[MostComplaints];
        while (await reader.ReadAsync(piece).ConfigureAwait(false) is int read and > 0)
        {
            start.Append(piece, 0, Math.Min(read, MostComplaints - start.Length));
        }
        return start.ToString();
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(_worker.FileName, _worker.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            CreateNoWindow = true,
            StandardErrorEncoding = Encoding.UTF8, // memload writes UTF-8 with every code page of the console
        };
        // No diagnostics socket, which a killed child would leave in the temp folder.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        // These settings override the settings of the host: one thread less, and no memory kept for throughput.
        start.Environment["DOTNET_gcConcurrent"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        // Without a hook, the arguments make the child a worker.
        if (_worker.StartupHook is string hook && WorkerCommand.CanBeHook(hook))
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

    // Each process sends one line. A rank that waits for the others exchanges one more line. Standard input stays open, because its end
    // shows the child that its parent has ended.
    private static async Task<string?> AskAsync(Process child, MeasureRequest request, Func<Task>? waitForOthers)
    {
        try
        {
            RecordJson.Write(child.StandardInput.BaseStream, request);
            await child.StandardInput.WriteLineAsync().ConfigureAwait(false);
            await child.StandardInput.FlushAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The child ended before it read its input. Its exit code says more than the broken pipe.
        }
        string? line = await child.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false);
        if (line != MeasurementWorker.Ready || waitForOthers is null)
        {
            return line;
        }
        await waitForOthers().ConfigureAwait(false);
        try
        {
            await child.StandardInput.WriteLineAsync().ConfigureAwait(false);
            await child.StandardInput.FlushAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The child ended while it waited.
        }
        return await child.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Kills a process with the processes that it started, unless it has ended already.</summary>
    internal static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // The process has ended already.
        }
    }
}
