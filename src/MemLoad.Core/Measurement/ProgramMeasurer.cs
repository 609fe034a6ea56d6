using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace MemLoad;

/// <summary>
/// Measures other programs as loads are measured: a new process with all processes that it starts, from its start to its end. Linux only.
/// </summary>
/// <remarks>
/// The figures are of the whole program, its runtime and libraries included. They have no forecast and no digest. A process that exists for
/// less than 5 ms can be missed, and so can one whose parent ends before a sample has seen both. The memory of a card is the decrease of
/// its free memory, to which other programs contribute.
/// </remarks>
/// <param name="output">Receives each line that the program writes to standard output or standard error; null if they are not needed.
/// Several threads call it.</param>
/// <param name="timelines">Receives the samples; null if they are not needed.</param>
/// <param name="started">Called with the id of the process when it starts.</param>
public sealed class ProgramMeasurer(
    Action<string>? output = null, Action<LoadTimeline>? timelines = null, Action<int>? started = null)
{
    private const string CheckName = "Give the name of a program that can be run, with its path if it is not on PATH.";
    private const int LongestMessage = 300;

    /// <summary>Runs a program to its end and measures it.</summary>
    /// <param name="request">The program.</param>
    /// <param name="cancellationToken">Kills the program and its processes. The outcome of the row is then
    /// <see cref="LoadOutcome.Canceled"/>.</param>
    /// <returns>The row. A program that fails or is killed is a row with the outcome and the message.</returns>
    /// <exception cref="MemLoadException">ML8016: the program cannot be started; ML8017: this system is not Linux; or an error of the
    /// checkpoint or of the card that the request names.</exception>
    public async Task<LoadMeasurement> MeasureAsync(ProgramRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!OperatingSystem.IsLinux())
        {
            throw Rules.ProgramsUnmeasured.Broken("this system does not list the memory of the processes that a program starts");
        }
        LoadMeasurement row = Begun(request, cancellationToken);
        var card = CardWatch.Of(request.Device);
        var tree = new LinuxTreeMemory();
        long? killsBefore = OomWatch.Count();
        using var probe = MemoryProbe.Start(tree, card is null ? null : () => card.Sample(tree.Processes));
        using Process program = Start(request);
        tree.Follow(program.Id);
        try
        {
            started?.Invoke(program.Id);
        }
        catch
        {
            Kill();
            throw;
        }
        using CancellationTokenRegistration kill = cancellationToken.Register(Kill);
        string last = "";
        program.ErrorDataReceived += (_, line) =>
        {
            last = line.Data is { Length: > 0 } text ? text : last;
            Pass(line);
        };
        program.OutputDataReceived += (_, line) => Pass(line);
        program.BeginErrorReadLine();
        program.BeginOutputReadLine();
        await program.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        ProbeResult measured = probe.Stop();
        bool wasSeen = measured.PeakHostBytes > 0; // a program that ends before the first sample has no figures
        row = row with
        {
            PeakHostBytes = wasSeen ? measured.PeakHostBytes : null,
            PeakHostFileBytes = wasSeen ? measured.PeakHostFileBytes : null,
            ElapsedMicroseconds = Math.Max(1, measured.ElapsedMicroseconds),
            MajorFaults = measured.MajorFaults,
            PeakCardBytes = card?.PeakBytes,
            DriverDeviceBytes = card?.PeakOfProcesses,
        };
        timelines?.Invoke(LoadTimeline.Of(row, measured.Samples));
        row = cancellationToken.IsCancellationRequested
            ? row.Ended(LoadOutcome.Canceled, Rules.Interrupted.Broken("the measurement was interrupted"))
            : Ended(row, program.ExitCode, OomWatch.Count() > killsBefore, last);
        return row.Judged(request.WarnAbove, request.FailAbove);

        void Kill()
        {
            LoadMeasurer.Kill(program);
            tree.Kill(); // processes whose parent has ended, too
        }

        void Pass(DataReceivedEventArgs line)
        {
            if (line.Data is string text)
            {
                output?.Invoke(text);
            }
        }
    }

    private static LoadMeasurement Begun(ProgramRequest request, CancellationToken cancellationToken)
    {
        LoadMeasurement row = LoadMeasurement.Begun(request);
        if (request.Path is not string path)
        {
            return row;
        }
        using var files = new CheckpointFileSet();
        var checkpoint = Checkpoint.Open(path, OpenLimits.FromEnvironment(), files, cancellationToken);
        IEnumerable<CheckpointFileReader> open = checkpoint.Files.Select(file => files[file]);
        PageCache.Prepare(request.Cache, open, cancellationToken);
        return row with
        {
            Path = checkpoint.Path,
            Format = checkpoint.Format.ToString(),
            TensorCount = checkpoint.Tensors.Length,
            ParameterCount = checkpoint.ParameterCount,
            ModelBytes = checkpoint.ModelBytes,
            FileBytes = checkpoint.FileBytes,
            CachedBytesAtStart = PageCache.CachedBytes(open),
        };
    }

    // .NET would look for a name in the folder of this program and in the current folder first.
    private static string Resolve(ProgramRequest request)
    {
        string name = request.FileName;
        return name.Contains('/', StringComparison.Ordinal) ? Full(name)
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
                .Select(place => Full(Path.Combine(place, name))).FirstOrDefault(File.Exists)
            ?? throw Rules.ProgramFailed.Broken($"there is no program {Printable.Quote(name)} on PATH", remedy: CheckName);

        // The current folder may have been removed. Only relative paths need it.
        string Full(string path) =>
            request.Folder is string folder ? Path.GetFullPath(path, folder) : FullPath.Of(path, Rules.ProgramFailed);
    }

    private static Process Start(ProgramRequest request)
    {
        var start = new ProcessStartInfo(Resolve(request), request.Arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = request.Folder ?? "",
        };
        try
        {
            Process program = Process.Start(start) ?? throw Rules.ProgramFailed.Broken("the program did not start");
            program.StandardInput.Close();
            return program;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            throw Rules.ProgramFailed.Broken($"{Printable.Quote(request.FileName)} cannot be started: {SystemReason.Of(e)}",
                remedy: CheckName, innerException: e);
        }
    }

    private static LoadMeasurement Ended(LoadMeasurement row, int exitCode, bool oomKill, string last)
    {
        if (exitCode == 0)
        {
            return row with { Outcome = nameof(LoadOutcome.Loaded) };
        }
        if (oomKill)
        {
            return row.Ended(LoadOutcome.OutOfMemory,
                Rules.WorkerOutOfMemory.Broken("the kernel killed a process of the program because the system had no free memory",
                    remedy: "Give the program more memory, or measure a loader that needs less."));
        }
        if (ProcessExit.SignalOf(exitCode) is string signal)
        {
            return row.Ended(LoadOutcome.Killed, Rules.WorkerKilled.Broken($"the program was ended by signal {signal}"));
        }
        string said = last.Length > 0 ? $": {Printable.Line(last, LongestMessage).TrimEnd('.')}" : "";
        return row.Ended(LoadOutcome.Failed, Rules.ProgramFailed.Broken($"the program ended with code {exitCode}{said}"));
    }
}
