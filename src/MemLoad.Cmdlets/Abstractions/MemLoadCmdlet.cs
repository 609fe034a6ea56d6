using System.Globalization;
using System.Management.Automation;
using MemLoad.Errors;
using MemLoad.Models;

namespace MemLoad.Abstractions;

/// <summary>
/// What all cmdlets share: Ctrl-C as a token, work off the pipeline thread with progress on it, rules as error records. Everything that a cmdlet says
/// goes through here, where it is made printable (<see cref="Printable"/>): paths and names may hold anything.
/// </summary>
public abstract class MemLoadCmdlet : PSCmdlet, IDisposable
{
    // The console redraws five times a second at most, and each record crosses the wire in remoting.
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stop = new();

    static MemLoadCmdlet() => Vocabulary.Current = CmdletWords.Vocabulary;

    /// <summary>Cancelled when the pipeline is stopped.</summary>
    protected CancellationToken StopToken => _stop.Token;

    /// <summary>The models of this runspace.</summary>
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
        base.WriteProgress(new ProgressRecord(progressRecord.ActivityId, Printable.Text(progressRecord.Activity), Printable.Text(progressRecord.StatusDescription))
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
            // Done in the same moment.
        }
    }

    /// <summary>Works on one item: a broken rule costs one error, and the pipeline goes on.</summary>
    /// <param name="target">The item.</param>
    /// <param name="work">The work.</param>
    /// <returns>Whether it was done.</returns>
    protected bool Attempt(object? target, Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        try
        {
            work();
            return true;
        }
        catch (OperationCanceledException) when (StopToken.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        catch (Exception e) when (ErrorRecords.AreFor(e))
        {
            Fail(e, target);
            return false;
        }
    }

    /// <summary>Says what is wrong with one item: by an error.</summary>
    /// <param name="problem">What is wrong.</param>
    /// <param name="target">The item.</param>
    protected virtual void Fail(Exception problem, object? target) => WriteError(ErrorRecords.From(problem, target));

    /// <summary>Works on every file that the paths name; what is wrong with one costs one error.</summary>
    /// <param name="paths">As the user gave them.</param>
    /// <param name="literal">Whether they are taken as they stand; else wildcards are expanded.</param>
    /// <param name="work">The work, on an absolute path of the file system.</param>
    protected void ForEachFile(IEnumerable<string> paths, bool literal, Action<string> work)
    {
        ArgumentNullException.ThrowIfNull(paths);
        foreach (string path in paths)
        {
            IReadOnlyList<string> resolved = [];
            _ = Attempt(path, () => resolved = literal ? [PathResolver.Literal(SessionState.Path, path)] : PathResolver.Resolve(SessionState.Path, path));
            foreach (string file in resolved)
            {
                Attempt(file, () => work(file));
            }
        }
    }

    /// <summary>Sees to it that the speed of this machine is known, which choosing a plan needs; it is measured once a month.</summary>
    /// <param name="device">The device's name.</param>
    protected void EnsureSpeed(string device)
    {
        if (MachineSpeed.Known(device) is null)
        {
            WriteVerbose($"Measuring how fast this machine loads onto '{device}', once a month where the cache folder can be written.");
            Pump("Measuring how fast this machine is, once", device, 0, (_, stop) => MachineSpeed.Ensure(device, Headroom.Now().Binding?.BudgetBytes, stop));
        }
    }

    /// <summary>Ends the command with a broken rule: for what is wrong whatever the item.</summary>
    protected void Refuse(MemLoadException reason, object? target = null) => ThrowTerminatingError(ErrorRecords.From(reason, target));

    /// <summary>Ends the command if a check finds a broken rule: for what is known before the commands in front of this one in the pipeline, which may
    /// work for hours, have begun.</summary>
    /// <param name="target">What is checked.</param>
    /// <param name="check">The check.</param>
    protected void Require(object? target, Action check)
    {
        ArgumentNullException.ThrowIfNull(check);
        try
        {
            check();
        }
        catch (MemLoadException e)
        {
            Refuse(e, target);
        }
    }

    /// <summary>Does long work on another thread while this one, the only one that may write, shows how far it is.</summary>
    /// <typeparam name="T">What the work yields. If the pipeline is stopped it is disposed.</typeparam>
    /// <param name="activity">What is going on.</param>
    /// <param name="status">On what.</param>
    /// <param name="total">Bytes to do, or 0 where nobody knows.</param>
    /// <param name="work">The work; it reports the bytes done so far.</param>
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
            // The pipeline was stopped while a record was written. Nothing may outlive the command.
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

    /// <summary>Writes a checkpoint, if the user wants it, and gives its file or folder.</summary>
    /// <param name="job">What to write.</param>
    /// <param name="action">What the user is asked about.</param>
    /// <param name="activity">What progress says.</param>
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
        WriteObject(TargetWriter.Item(written));
    }

    /// <summary>As <see cref="Pump{T}"/>, for work that says itself how many bytes there are once it knows.</summary>
    /// <typeparam name="T">What the work yields.</typeparam>
    /// <param name="activity">What is going on.</param>
    /// <param name="status">On what.</param>
    /// <param name="work">The work; it gives the bytes to do and is given what takes the bytes done.</param>
    protected T PumpBytes<T>(string activity, string status, Func<Func<long, IProgress<long>>, CancellationToken, T> work)
    {
        // A thousandth is fine enough, and leaves the total to the work.
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

    /// <summary>Releases what the command holds; called once or more.</summary>
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

    /// <summary>Says in the verbose stream what work will cost, before it is done.</summary>
    /// <param name="activity">What is going on.</param>
    /// <param name="status">On what.</param>
    /// <param name="bytes">Bytes to go through.</param>
    /// <returns>The status of its progress, with the bytes.</returns>
    protected string Cost(string activity, string status, long bytes)
    {
        WriteVerbose(string.Create(CultureInfo.InvariantCulture, $"{activity} {bytes} bytes: {status}."));
        return $"{status}, {Printable.Bytes(bytes)}";
    }

    // A failed task is finished too; its exception is thrown when the result is asked for.
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
