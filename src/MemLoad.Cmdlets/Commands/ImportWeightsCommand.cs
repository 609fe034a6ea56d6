namespace MemLoad.Commands;

/// <summary>
/// Loads weights in this session, into a model or into a new one. A load that does not fit is refused before memory is touched.
/// </summary>
[Cmdlet(VerbsData.Import, "Weights", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(LoadedGptModel))]
public sealed class ImportWeightsCommand : NarrowingPathCmdlet
{
    /// <summary>The strategy; by default the fastest that fits.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EnumNames<Strategy>]
    public Strategy Strategy { get; set; } = Strategy.Auto;

    /// <summary>The model that receives the weights. Its own weights are freed. Without it, a model is created.</summary>
    [Parameter]
    [ModelTransformation]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [ValidateNotNull]
    public LoadedGptModel? Model { get; set; }

    /// <summary>The name of the new model; by default the name of the file.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>The device to load to.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    [ValidateNotNullOrEmpty]
    public string Device { get => field ?? DeviceRegistry.Default; set; }

    /// <summary>The type to cast floating-point tensors to while loading; by default they stay as in the file.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EnumNames<CastDType?>]
    public CastDType? DType { get; set; }

    /// <summary>A manifest that the loaded weights must match.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Manifest { get; set; }

    /// <summary>The number of attention heads, if the checkpoint is not of a known size.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? HeadCount { get; set; }

    /// <summary>
    /// The most host memory that the load may need, in bytes. The memory that is available applies if it is less, or if no value is given.
    /// </summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("MaxHostMemory")]
    [Bytes]
    [AtLeast(1)]
    public long? HostMemoryLimit { get; set; }

    /// <summary>Capacity of the device, in bytes.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("MaxDeviceMemory")]
    [Bytes]
    [AtLeast(1)]
    public long? DeviceMemoryLimit { get; set; }

    /// <summary>
    /// Loads even if the forecast exceeds the host memory, and maps a file even if other programs could truncate it. The capacity of a
    /// device cannot be overridden.
    /// </summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        string[] ofNew = [nameof(Name), nameof(HeadCount)];
        if (Model is not null && ofNew.FirstOrDefault(MyInvocation.BoundParameters.ContainsKey) is string given)
        {
            Refuse(Rules.ModelNotNew.Broken($"-{given} is given with an existing model"), Model);
        }
    }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        Model?.RequireAlive();
        var request = new LoadRequest
        {
            Path = path,
            Strategy = Strategy,
            Device = Device,
            DType = (DType?)DType,
            Manifest = PathResolver.Optional(SessionState.Path, Manifest),
            Key = SelectedKey,
            Include = TensorPatterns.Parse(Include),
            Exclude = TensorPatterns.Parse(Exclude),
            AllowOpaque = AllowOpaque,
            HostMemoryLimit = HostMemoryLimit,
            DeviceMemoryLimit = DeviceMemoryLimit,
            MapGuard = Force ? MapGuard.WherePossible : MapGuard.Required,
            Force = Force,
        };
        EnsureSpeed(request);
        var prepared = PreparedLoad.Prepare(request, StopToken);
        LoadedModel loaded;
        LoadedGptModel model;
        try
        {
            if (prepared.Refusal is MemLoadException refusal)
            {
                bool ofMemory = refusal.Rule == Rules.HostLimitExceeded || refusal.Rule == Rules.DeviceLimitExceeded;
                if (Model is null || !ofMemory
                    || !Pump($"Overwriting {Model.Name}", path, 0, (_, stop) => Model.TryOverwrite(prepared, stop)))
                {
                    throw refusal;
                }
                WriteVerbose($"{refusal.Finding}. The weights of the model were overwritten in place.");
                prepared.Dispose();
                WriteObject(Model);
                return;
            }
            model = Model ?? NewModel(prepared.Checkpoint, Name ?? FormatNames.NameOf(path));
            if (Model?.Config is GptConfig config && !prepared.Checkpoint.Tensors.IsEmpty)
            {
                // The model has the weights as they are in memory, so their dtype is the dtype of the model from now on.
                StateDictMatch.Require(config.ToSpec(prepared.View.Tensors[0].DType), prepared.View);
            }
            LoadForecast forecast = prepared.ToRow();
            WriteVerbose($"{forecast.ChosenStrategy}: {forecast.ModelBytes} bytes of weights; forecast {forecast.ForecastHostBytes} bytes "
                + $"of host memory, {forecast.ForecastDeviceBytes} on {DeviceRegistry.Describe(forecast.Device)}.");
            if (forecast.Note is not null)
            {
                WriteVerbose($"{forecast.Note}.");
            }
            if (prepared.MapObstacle is string obstacle)
            {
                WriteWarning($"{path} is mapped though it may become shorter: {obstacle}. If it does, this PowerShell ends when the "
                    + $"weights are used.");
            }
            WriteDebug($"The plan has {prepared.Plan.Steps.Length} steps over {prepared.Plan.Buffers.Length} buffers and "
                    + $"{prepared.Checkpoint.Files.Length} files.");
            loaded = Pump($"Loading by {forecast.ChosenStrategy}", path, 0, (_, stop) => WeightLoader.Load(prepared, stop));
        }
        catch
        {
            prepared.Dispose();
            throw;
        }
        Session.Observe(prepared.Device);
        model.TakeLoaded(loaded);
        if (Model is null)
        {
            Session.Add(model);
        }
        WriteObject(model);
    }

    private LoadedGptModel NewModel(Checkpoint checkpoint, string name)
    {
        GptConfig? config = null;
        try
        {
            config = GptConfig.Infer(checkpoint.Tensors, HeadCount);
        }
        catch (MemLoadException e) when (e.Rule == Rules.HeadsUnknown)
        {
            WriteWarning($"{e.Rule.Id}: {e.Finding}. Give -HeadCount to run the model on token ids.");
        }
        catch (MemLoadException e) when (e.Rule == Rules.NotGpt)
        {
            WriteVerbose($"No GPT model: {e.Finding}.");
        }
        return new LoadedGptModel(name, config, null);
    }
}
