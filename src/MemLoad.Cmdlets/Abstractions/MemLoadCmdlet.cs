namespace MemLoad.Abstractions;

/// <summary>
/// The common part of all cmdlets: Ctrl-C as a token, work on another thread with progress, and rules as error records. All output of a
/// cmdlet passes through this class and is made printable (<see cref="Printable"/>), because paths and names may contain any characters.
/// </summary>
public abstract class MemLoadCmdlet : PSCmdlet, IDisposable
{
    // The console redraws at most five times per second, and in remoting each record is sent over the network.
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stop = new();

    static MemLoadCmdlet() => Vocabulary.Current = CmdletWords.Vocabulary;

    /// <summary>Cancelled when the pipeline is stopped.</summary>
    protected CancellationToken StopToken => _stop.Token;

    /// <summary>The models of the current runspace.</summary>
    internal static ModelSession Session => ModelSession.Current;

    /// <inheritdoc cref="Cmdlet.WriteVerbose(string)"/>
    public new void WriteVerbose(string text) => base.WriteVerbose(Printable.Text(text));

    /// <inheritdoc cref="Cmdlet.WriteWarning(string)"/>
    public new void WriteWarning(string text) => base.WriteWarning(Printable.Text(text));

    /// <inheritdoc cref="Cmdlet.WriteDebug(string)"/>
    public new void WriteDebug(string text) => base.WriteDebug(Printable.Text(text));

    /// <inheritdoc cref="Cmdlet.WriteProgress(ProgressRecord)"/>
    public new void WriteProgress(ProgressRecord progressRecord)
    {
        ArgumentNullException.ThrowIfNull(progressRecord);
        base.WriteProgress(new ProgressRecord(progressRecord.ActivityId, Printable.Text(progressRecord.Activity),
            Printable.Text(progressRecord.StatusDescription))
        {
            PercentComplete = progressRecord.PercentComplete,
            RecordType = progressRecord.RecordType,
        });
    }

    /// <inheritdoc cref="Cmdlet.ShouldProcess(string, string)"/>
    public new bool ShouldProcess(string target, string action) => base.ShouldProcess(Printable.Text(target), Printable.Text(action));

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The pipeline ended at the same moment.
        }
    }

    /// <summary>Works on one item. A broken rule becomes one error, and the pipeline continues.</summary>
    /// <param name="target">The item.</param>
    /// <param name="work">The work.</param>
    /// <returns>Whether the work was done.</returns>
    protected bool Attempt(object? target, Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        try
        {
            UntilStopped(work);
            return true;
        }
        catch (Exception e) when (ErrorRecords.AreFor(e))
        {
            Fail(e, target);
            return false;
        }
    }

    /// <summary>Reports a problem of one item as an error.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="target">The item.</param>
    protected virtual void Fail(Exception problem, object? target) => WriteError(ErrorRecords.From(problem, target));

    /// <summary>Whether a model of the hub that is not in the cache is read on the server.</summary>
    private protected virtual bool CanBeRemote => false;

    /// <summary>Works on every file that the paths name. A problem of one file becomes one error.</summary>
    /// <param name="paths">The paths as the user gave them.</param>
    /// <param name="literal">True to take the paths literally; false to expand wildcards.</param>
    /// <param name="work">The work, with an absolute path of the file system.</param>
    /// <param name="revision">The revision of a model of the hub; null for its main one, and for other paths.</param>
    protected void ForEachFile(IEnumerable<string> paths, bool literal, Action<string> work, string? revision = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        foreach (string path in paths)
        {
            IReadOnlyList<string> resolved = [];
            _ = Attempt(path, () => resolved = RemoteAddress.Is(path) ? [path]
                : literal ? [PathResolver.Literal(SessionState.Path, path)] : PathResolver.Resolve(SessionState.Path, path));
            foreach (string file in resolved)
            {
                Attempt(file, () => work(HubCache.AtRevision(file, revision, CanBeRemote)));
            }
        }
    }

    /// <summary>
    /// Measures the speed of this machine if a request needs it and it is not known yet. It is measured once per month.
    /// </summary>
    private protected void EnsureSpeed(params IEnumerable<LoadRequest> requests)
    {
        foreach (string device in MachineSpeed.Unknown(requests))
        {
            WriteVerbose($"Measuring how fast this machine loads onto '{device}', once a month where the cache folder can be written.");
            Pump("Measuring how fast this machine is, once", device, 0, (_, stop) =>
                MachineSpeed.Ensure(device, Headroom.Now().Binding?.BudgetBytes, stop));
        }
    }

    /// <summary>Ends the command with an error for a broken rule that no item caused.</summary>
    protected void Refuse(MemLoadException reason, object? target = null) => ThrowTerminatingError(ErrorRecords.From(reason, target));

    /// <summary>
    /// Ends the command if a check finds a broken rule. The check runs before the earlier commands of the pipeline start, which may take
    /// hours.
    /// </summary>
    /// <param name="target">The object of the check.</param>
    /// <param name="check">The check.</param>
    protected void Require(object? target, Action check)
    {
        ArgumentNullException.ThrowIfNull(check);
        try
        {
            UntilStopped(check);
        }
        catch (MemLoadException e)
        {
            Refuse(e, target);
        }
    }

    /// <summary>Works until the pipeline is stopped. The exception is then the one that PowerShell does not report.</summary>
    private protected void UntilStopped(Action work)
    {
        try
        {
            work();
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Runs long work on another thread while this thread, the only one that may write, shows the progress.</summary>
    /// <typeparam name="T">The type of the result. The result is disposed if the pipeline is stopped.</typeparam>
    /// <param name="activity">The name of the activity.</param>
    /// <param name="status">The object of the activity.</param>
    /// <param name="total">The number of bytes to process; 0 if it is not known.</param>
    /// <param name="work">The work. It reports the bytes that are processed so far.</param>
    protected T Pump<T>(string activity, string status, long total, Func<IProgress<long>, CancellationToken, T> work)
    {
        var done = new Counter();
        Task<T> task = Task.Run(() => work(done, StopToken));
        try
        {
            ShowUntilDone(task, done, total, activity, status);
        }
        catch
        {
            // The pipeline was stopped while a record was written. The work must not outlive the command.
            _stop.Cancel();
            Discard(task);
            throw;
        }
        if (StopToken.IsCancellationRequested)
        {
            Discard(task);
            throw new PipelineStoppedException();
        }
        return task.GetAwaiter().GetResult();
    }

    /// <summary>Writes a checkpoint, if the user confirms it, and returns its file or folder.</summary>
    /// <param name="job">The checkpoint to write.</param>
    /// <param name="action">The action that the user is asked to confirm.</param>
    /// <param name="activity">The text of the progress.</param>
    private protected void Write(WriteJob job, string action, string activity)
    {
        if (!ShouldProcess(TargetWriter.Describe(job), action))
        {
            return;
        }
        WriteResult written = Pump(activity, job.Path, job.Bytes, job.Run);
        if (job.LeftOut is string entries)
        {
            WriteVerbose($"{char.ToUpperInvariant(entries[0])}{entries[1..]}.");
        }
        WriteObject(TargetWriter.Item(this, written));
    }

    /// <summary>Runs long work as <see cref="Pump{T}"/> does, for work that finds out the number of bytes itself.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="activity">The name of the activity.</param>
    /// <param name="status">The object of the activity.</param>
    /// <param name="work">The work. It reports the number of bytes to process, and the bytes that are processed so far.</param>
    protected T PumpBytes<T>(string activity, string status, Func<Func<long, IProgress<long>>, CancellationToken, T> work)
    {
        // The progress has a resolution of a thousandth, and the work sets the total.
        const int Parts = 1000;
        return Pump(activity, status, Parts, (done, stop) => work(
            total =>
            {
                ((Counter)done).Bytes = total;
                return new Share(done, Math.Max(1, total), Parts);
            },
            stop));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the resources of the command. It may be called more than once.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stop.Dispose();
        }
    }

    private void ShowUntilDone(Task task, Counter done, long total, string activity, string status)
    {
        bool shown = false;
        while (!Finished(task))
        {
            if (!shown && done.Bytes > 0)
            {
                status = Cost(activity, status, done.Bytes);
            }
            int percent = total > 0 ? (int)Math.Clamp(done.Value * 100.0 / total, 0, 100) : -1;
            WriteProgress(new ProgressRecord(0, activity, status) { PercentComplete = percent });
            shown = true;
        }
        if (shown)
        {
            WriteProgress(new ProgressRecord(0, activity, status) { RecordType = ProgressRecordType.Completed });
        }
    }

    /// <summary>Writes to the verbose stream how much work follows.</summary>
    /// <param name="activity">The name of the activity.</param>
    /// <param name="status">The object of the activity.</param>
    /// <param name="bytes">The number of bytes to process.</param>
    /// <returns>The status of the progress, with the bytes.</returns>
    protected string Cost(string activity, string status, long bytes)
    {
        WriteVerbose($"{activity} {bytes} bytes: {status}.");
        return $"{status}, {Printable.Bytes(bytes)}";
    }

    // A failed task is completed, too. Its exception is thrown when the result is read.
    private static bool Finished(Task task) => Task.WaitAny([task], ProgressInterval) == 0;

    private static void Discard<T>(Task<T> task)
    {
        Task.WaitAny(task);
        if (task.IsCompletedSuccessfully)
        {
            (task.Result as IDisposable)?.Dispose();
        }
    }

    private sealed class Share(IProgress<long> whole, long total, int parts) : IProgress<long>
    {
        public void Report(long value) => whole.Report((long)((Int128)value * parts / total));
    }

    private sealed class Counter : IProgress<long>
    {
        private long _value;
        private long _bytes;

        public long Bytes
        {
            get => Volatile.Read(ref _bytes);
            set => Volatile.Write(ref _bytes, value);
        }

        public long Value => Volatile.Read(ref _value);

        public void Report(long value) => Volatile.Write(ref _value, value);
    }
}
