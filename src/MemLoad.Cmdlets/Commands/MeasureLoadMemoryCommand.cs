using System.Collections.Concurrent;

namespace MemLoad.Commands;

/// <summary>
/// Loads a checkpoint with each strategy, each in a new process, and returns one row of forecast and measured memory per load.
/// </summary>
[Cmdlet(VerbsDiagnostic.Measure, "LoadMemory", SupportsShouldProcess = true, DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(LoadMeasurement), ParameterSetName = [ParameterSets.Path, ParameterSets.LiteralPath, ParameterSets.Program])]
[OutputType(typeof(BlockMeasurement), ParameterSetName = [ParameterSets.ScriptBlock])]
public sealed class MeasureLoadMemoryCommand : SelectionCmdlet
{
    private const int MostLines = 1000;
    private string? _samples;

    /// <summary>The state of the page cache before each load.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [EnumNames<CacheState>]
    public CacheState Cache { get; set; } = CacheState.AsIs;

    /// <summary>How often to measure each strategy.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [ValidateRange(1, MeasureRequest.MostRuns)]
    public int Repeat { get; set; } = 1;

    /// <summary>A manifest of the weights. Rows have its digest, and a load of other weights has failed.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [ValidateNotNullOrEmpty]
    public string? Manifest { get; set; }

    /// <summary>A file that the samples of each load are appended to, as JSON lines, for Export-LoadReport.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [ValidateNotNullOrEmpty]
    public string? TimelinePath { get; set; }

    /// <summary>A user-defined name for the model. It is the column Model, by which rows of several machines are compared.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [ValidateNotNullOrEmpty]
    public string? ModelName { get; set; }

    /// <summary>The bounds of a load above which its row is a warning.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [Bounds]
    public LoadBounds? WarnAbove { get; set; }

    /// <summary>The bounds of a load above which its row fails.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [Bounds]
    public LoadBounds? FailAbove { get; set; }

    /// <summary>Measures even loads that do not fit. A load that runs out of memory becomes a row.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    public SwitchParameter Force { get; set; }

    /// <summary>Measures in this process instead of in a new process per load.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    public SwitchParameter InProcess { get; set; }

    /// <summary>A program to measure, with all processes that it starts: a path, or a name on PATH.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ParameterSets.Program)]
    [ValidateNotNullOrEmpty]
    public string? FilePath { get; set; }

    /// <summary>The arguments of the program.</summary>
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [Alias("Args")]
    [AllowEmptyCollection]
    public string[] ArgumentList { get; set; } = [];

    /// <summary>The name of the program in the rows; by default the program and its first argument.</summary>
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <inheritdoc/>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public override string[] Path { get => base.Path; set => base.Path = value; }

    /// <inheritdoc/>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [Parameter(ParameterSetName = ParameterSets.Program)]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    [ValidateNotNullOrEmpty]
    public override string[] Device { get => base.Device; set => base.Device = value; }

    /// <summary>Measures a script block in this process.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ParameterSets.ScriptBlock)]
    public ScriptBlock? ScriptBlock { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing() => Require(TimelinePath, () =>
    {
        _samples = PathResolver.Optional(SessionState.Path, TimelinePath);
        if (_samples is not null)
        {
            TimelineFile.RequireAppendable(_samples, StopToken);
        }
    });

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (FilePath is not null)
        {
            Attempt(FilePath, MeasureProgram);
        }
        else if (ScriptBlock is null)
        {
            ProcessSelection();
        }
        else if (ShouldProcess(ScriptBlock.ToString().Trim(), "Run and measure"))
        {
            WriteObject(MeasureBlock(ScriptBlock));
        }
    }

    /// <inheritdoc/>
    protected override bool TryGenerate(string size, out string? path)
    {
        long bytes = GeneratedCheckpoint.BytesToWrite(size);
        path = GeneratedCheckpoint.PathOf(size);
        if (bytes == 0)
        {
            return true;
        }
        if (!ShouldProcess($"{path} ({bytes} bytes)", $"Create a {size} checkpoint, which is kept, and measure it"))
        {
            return false;
        }
        WriteVerbose($"Creating {path} ({bytes} bytes), which is kept for later.");
        path = Pump($"Creating a {size} checkpoint, once", CacheFolder.Path, bytes, (done, stop) =>
            GeneratedCheckpoint.Ensure(size, done, stop));
        return true;
    }

    /// <inheritdoc/>
    protected override void ProcessRequests(IReadOnlyList<LoadRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (!ShouldProcess($"{requests[0].Path}", $"Measure {string.Join(", ", requests.Select(request => request.Strategy))}"))
        {
            return;
        }
        string? manifest = PathResolver.Optional(SessionState.Path, Manifest);
        // A child process may end, but this process must not.
        MapGuard guard = InProcess ? MapGuard.Required : MapGuard.None;
        requests = [.. requests.Select(request => request with { Manifest = manifest, Force = Force, MapGuard = guard })];
        WorkerCommand? child = InProcess ? null : PowerShellWorker.Command();
        WriteDebug(child is null ? "Measuring in this process." : $"Measured child: {child.FileName} {string.Join(' ', child.Arguments)}");
        EnsureSpeed(requests);
        var session = new MeasureSession(
            [
                .. MeasureRequest.Repeat(requests, Repeat, Cache)
                    .Select(load => load with { Model = ModelName, WarnAbove = WarnAbove, FailAbove = FailAbove }),
            ],
            child, _samples);
        LoadForecast forecast = session.Forecast(StopToken);
        WriteVerbose($"{forecast.Path}: {forecast.Format}, {forecast.TensorCount} tensors, {forecast.ModelBytes} bytes.");
        IReadOnlyList<MeasureRequest>[] turns = [.. session.Turns];
        int number = 0;
        foreach (IReadOnlyList<MeasureRequest> turn in turns)
        {
            // The last record before the measurement starts. The next one follows when the row is complete.
            WriteProgress(new ProgressRecord(0, $"Measuring {forecast.Path}", $"{turn[0].Load.Strategy} ({++number} of {turns.Length})"));
            IReadOnlyList<LoadMeasurement> rows = session.MeasureAsync(turn, StopToken).GetAwaiter().GetResult();
            if (StopToken.IsCancellationRequested)
            {
                throw new PipelineStoppedException();
            }
            // The samples are written first, because the next command may take no more rows (Select-Object -First).
            if (session.KeepSamples(StopToken) is MemLoadException unwritten)
            {
                WriteVerbose($"The samples are kept for later: {unwritten.Message}");
            }
            WriteObject(rows, enumerateCollection: true);
            foreach (LoadMeasurement row in rows)
            {
                ReportProblem(row);
            }
        }
        WriteProgress(new ProgressRecord(0, $"Measuring {forecast.Path}", "Done") { RecordType = ProgressRecordType.Completed });
        if (session.KeepSamples(StopToken) is MemLoadException lost)
        {
            WriteError(Errors.ErrorRecords.From(lost, _samples));
        }
        if (session.Disagreement() is MemLoadException different)
        {
            throw different;
        }
    }

    // The row is already written. The error makes -ErrorAction Stop and the exit code of a shell apply.
    private void ReportProblem(LoadMeasurement row)
    {
        if (Errors.ErrorRecords.From(row) is ErrorRecord problem)
        {
            WriteError(problem);
        }
        else if (row.StatusReason is string reason)
        {
            WriteWarning($"{Where(row)} is above a bound: {reason}.");
        }
        else if (row.AsForecast == false)
        {
            WriteWarning($"{Where(row)} is not as forecast: {row.Verdict}. "
                    + $"{Figure("Device", row.ForecastDeviceBytes, row.PeakDeviceBytes)}; "
                    + $"{Figure("host", row.ForecastHostBytes, row.PeakHostBytes)}.");
        }

        static string Where(LoadMeasurement row) =>
            (row.Path is string path ? $"{path}: " : "")
                + $"{row.Strategy} to {row.Device}, run {row.Run},";

        static string Figure(string what, long? forecast, long? peak) =>
            $"{what}: forecast {(forecast is long foreseen ? Printable.Bytes(foreseen) : "unknown")}, peak "
                + $"{(peak is long measured ? Printable.Bytes(measured) : "unknown")}";
    }

    private void MeasureProgram()
    {
        // A name without a folder is looked up on PATH. Arguments that are null are left out, as PowerShell does for programs.
        string program = FilePath!;
        if (program.AsSpan().ContainsAny('/', '\\'))
        {
            program = PathResolver.Literal(SessionState.Path, program);
        }
        var request = new ProgramRequest(program, [.. (ArgumentList ?? []).OfType<string>()])
        {
            // A program has one device. Several are refused like an unknown name, as on the command line.
            Device = MyInvocation.BoundParameters.ContainsKey(nameof(Device)) ? string.Join(',', Device) : "cpu",
            Path = OnePath(),
            Cache = Cache,
            Model = ModelName,
            WarnAbove = WarnAbove,
            FailAbove = FailAbove,
            Folder = SessionState.Path.CurrentFileSystemLocation.ProviderPath,
        };
        request = Name is null ? request : request with { Name = Name };
        if (!ShouldProcess($"{FilePath} {string.Join(' ', request.Arguments)}".Trim(), "Run and measure"))
        {
            return;
        }
        var samples = new PendingSamples(_samples);
        for (int run = 1; run <= Repeat; run++)
        {
            // Lines come from other threads, which cannot write records. The last lines are enough to see what went wrong.
            var lines = new ConcurrentQueue<string>();
            var measurer = new ProgramMeasurer(
                line =>
                {
                    lines.Enqueue(line);
                    _ = lines.Count > MostLines && lines.TryDequeue(out string? _);
                },
                samples.Receiver);
            ProgramRequest measured = request with { Run = run };
            LoadMeasurement row = Pump($"Measuring {request.Name}", FilePath!, 0,
                (_, stop) => measurer.MeasureAsync(measured, stop).GetAwaiter().GetResult());
            foreach (string line in lines)
            {
                WriteVerbose(Printable.Text(line));
            }
            // Written first: the failure of a program may end the script, and the next command may take no more rows.
            _ = samples.Write(StopToken);
            WriteObject(row);
            ReportProblem(row);
        }
        if (samples.Write(StopToken) is MemLoadException lost)
        {
            throw lost;
        }
    }

    private string? OnePath()
    {
        string[] paths = [.. Path.SelectMany(path => PathResolver.Resolve(SessionState.Path, path))];
        return paths.Length < 2 ? paths.FirstOrDefault()
            : throw Rules.ProgramPaths.Broken($"there are {paths.Length} paths", paths[1]);
    }

    private BlockMeasurement MeasureBlock(ScriptBlock block)
    {
        ModelSession session = Session;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        session.ResetPeak();
        long before = session.DeviceBytes;
        DateTimeOffset startedAt = RowTime.Now;
        using var probe = MemoryProbe.Start(() => session.DeviceBytes);
        // The block runs in the scope of the caller, as with Measure-Command, so that its assignments stay.
        InvokeCommand.InvokeScript(useLocalScope: false, block, null, []);
        ProbeResult result = probe.Stop();
        return new BlockMeasurement
        {
            PeakDeviceBytes = session.PeakDeviceBytes - before,
            PeakHostBytes = result.PeakHostBytes,
            PeakHostFileBytes = result.PeakHostFileBytes,
            FinalHostBytes = result.FinalHostBytes,
            ElapsedMicroseconds = result.ElapsedMicroseconds,
            MajorFaults = result.MajorFaults,
            ReadBytes = result.ReadBytes,
            HostName = HostFacts.HostName,
            StartedAt = startedAt,
            ModuleVersion = HostFacts.ModuleVersion,
        };
    }
}
