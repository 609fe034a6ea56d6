using System.Globalization;
using System.Management.Automation;
using MemLoad.Abstractions;
using MemLoad.Completion;

namespace MemLoad.Commands;

/// <summary>Loads weights in this session, into a model or by themselves; refuses what does not fit before memory is touched.</summary>
[Cmdlet(VerbsData.Import, "Weights", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(LoadedGptModel))]
public sealed class ImportWeightsCommand : NarrowingPathCmdlet
{
    /// <summary>How to load; by default the fastest way that fits.</summary>
    [Parameter]
    [EnumNames<Strategy>]
    public Strategy Strategy { get; set; } = Strategy.Auto;

    /// <summary>The model that takes the weights over; those it has are freed. Without it, a model is made for them.</summary>
    [Parameter]
    [ModelTransformation]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [ValidateNotNull]
    public LoadedGptModel? Model { get; set; }

    /// <summary>Name of the new model; by default the file's.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>Where to.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    [ValidateNotNullOrEmpty]
    public string Device { get; set; } = DeviceRegistry.Default;

    /// <summary>What to cast floating-point tensors to on the way into memory; without it they stay as in the file.</summary>
    [Parameter]
    [EnumNames<CastDType?>]
    public CastDType? DType { get; set; }

    /// <summary>A manifest of the weights; what lies in memory after the load must agree with it.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Manifest { get; set; }

    /// <summary>Attention heads, where the checkpoint is of no known size.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? HeadCount { get; set; }

    /// <summary>Most host memory the load may need, in bytes; what the system leaves, if that is less or this is not given.</summary>
    [Parameter]
    [Alias("MaxHostMemory")]
    [ValidateRange(1, long.MaxValue)]
    public long? HostMemoryLimit { get; set; }

    /// <summary>Capacity of the device, in bytes.</summary>
    [Parameter]
    [Alias("MaxDeviceMemory")]
    [ValidateRange(1, long.MaxValue)]
    public long? DeviceMemoryLimit { get; set; }

    /// <summary>Load even what does not fit the host's memory, and map even a file that others could cut short; a device's capacity cannot be overruled.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

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
            Key = Key,
            Include = Include,
            Exclude = Exclude,
            HostMemoryLimit = HostMemoryLimit,
            DeviceMemoryLimit = DeviceMemoryLimit,
            MapGuard = Force ? MapGuard.WherePossible : MapGuard.Required,
            Force = Force,
        };
        if (Strategy == Strategy.Auto)
        {
            EnsureSpeed(Device);
        }
        var prepared = PreparedLoad.Prepare(request, StopToken);
        LoadedModel loaded;
        LoadedGptModel model;
        try
        {
            if (prepared.Refusal is MemLoadException refusal)
            {
                if (Model is null || !(refusal.Rule == Rules.HostLimitExceeded || refusal.Rule == Rules.DeviceLimitExceeded) || !Model.CanOverwrite(prepared))
                {
                    throw refusal;
                }
                WriteVerbose($"{refusal.Finding}. The weights of the model are overwritten in place, for which it fits.");
                Pump($"Overwriting {Model.Name}", path, 0, (_, stop) =>
                {
                    Model.Overwrite(prepared, stop);
                    return true;
                });
                prepared.Dispose();
                WriteObject(Model);
                return;
            }
            model = Model ?? NewModel(prepared.Checkpoint, Name ?? System.IO.Path.GetFileNameWithoutExtension(path));
            if (Model?.Config is GptConfig config && !prepared.Checkpoint.Tensors.IsEmpty)
            {
                // The weights are taken over as they will lie in memory, so their dtype is the model's from now on.
                StateDictMatch.Require(config.ToSpec(prepared.View.Tensors[0].DType), prepared.View);
            }
            LoadForecast forecast = prepared.ToRow();
            WriteVerbose(string.Create(
                CultureInfo.InvariantCulture,
                $"{forecast.ChosenStrategy}: {forecast.ModelBytes} bytes of weights; forecast {forecast.ForecastHostBytes} bytes of host memory, {forecast.ForecastDeviceBytes} on {DeviceRegistry.Describe(forecast.Device)}."));
            if (forecast.Note is not null)
            {
                WriteVerbose($"{forecast.Note}.");
            }
            if (prepared.MapObstacle is string obstacle)
            {
                WriteWarning($"{path} is mapped though it may become shorter: {obstacle}. Should it, this PowerShell ends when the weights are used.");
            }
            WriteDebug(string.Create(
                CultureInfo.InvariantCulture,
                $"The plan has {prepared.Plan.Steps.Length} steps over {prepared.Plan.Buffers.Length} buffers and {prepared.Checkpoint.Files.Length} files."));
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
            WriteWarning($"{e.Finding}: give -HeadCount to run token ids through it.");
        }
        catch (MemLoadException e) when (e.Rule == Rules.NotGpt)
        {
            WriteVerbose($"No GPT model: {e.Finding}.");
        }
        return new LoadedGptModel(name, config, null);
    }
}
