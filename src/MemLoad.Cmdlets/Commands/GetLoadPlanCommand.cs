namespace MemLoad.Commands;

/// <summary>Forecasts what each strategy needs, from the headers of the file.</summary>
[Cmdlet(VerbsCommon.Get, "LoadPlan", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(LoadForecast), typeof(LoadPlanStep))]
public sealed class GetLoadPlanCommand : SelectionCmdlet
{
    /// <summary>Returns the steps of each plan instead of its totals.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    public SwitchParameter Detailed { get; set; }

    /// <summary>
    /// Reads the headers of a model of the Hugging Face hub on its server (HF_ENDPOINT, HF_TOKEN) if the model is not in the cache.
    /// </summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    public SwitchParameter Remote { get; set; }

    /// <summary>The tokens of each sequence, for the KV cache that a server needs in addition.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [ValidateRange(1, int.MaxValue)]
    public int? ContextLength { get; set; }

    /// <summary>The sequences at a time, for the KV cache.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [ValidateRange(1, int.MaxValue)]
    public int Sequences { get; set; } = 1;

    /// <summary>The type of keys and values in the KV cache.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [EnumNames<CacheDType>]
    public CacheDType CacheDType { get; set; } = CacheDType.Float16;
    private protected override bool CanBeRemote => Remote;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        string[] ofCache = [nameof(Sequences), nameof(CacheDType)];
        if (ContextLength is null && ofCache.FirstOrDefault(MyInvocation.BoundParameters.ContainsKey) is string alone)
        {
            Refuse(Rules.ContextLengthMissing.Broken($"-{alone} is given without a context length"));
        }
    }

    /// <inheritdoc/>
    protected override void ProcessRecord() => ProcessSelection();

    private protected override LoadRequest Complete(LoadRequest request) =>
        request with { ContextLength = ContextLength, Sequences = Sequences, CacheDType = (DType)CacheDType };

    // The command that the row is piped to loads the same: parameters that are not columns are added to the row, if they were given. The
    // bound parameters of the invocation are not used, because they keep the values of earlier objects of the pipeline.
    private PSObject AsAsked(LoadForecast row)
    {
        var asked = PSObject.AsPSObject(row);
        Add(nameof(Key), SelectedKey);
        Add(nameof(Include), Include is { Length: > 0 } ? new TensorPatterns(Include) : null);
        Add(nameof(Exclude), Exclude is { Length: > 0 } ? new TensorPatterns(Exclude) : null);
        Add(nameof(HostMemoryLimit), HostMemoryLimit);
        Add(nameof(DeviceMemoryLimit), DeviceMemoryLimit);
        return asked;

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                asked.Properties.Add(new PSNoteProperty(name, value));
            }
        }
    }

    /// <inheritdoc/>
    protected override bool TryGenerate(string size, out string? path)
    {
        path = null;
        return true;
    }

    /// <inheritdoc/>
    protected override void ProcessRequests(IReadOnlyList<LoadRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        EnsureSpeed(requests);
        foreach (PreparedLoad prepared in PreparedLoad.ForecastEach(requests, StopToken))
        {
            using (prepared)
            {
                if (Detailed)
                {
                    WriteObject(LoadPlanStep.Of(prepared), enumerateCollection: true);
                }
                else
                {
                    WriteObject(AsAsked(prepared.ToRow()));
                }
                // A plan that does not fit is an answer. If no plan fits, it is an error.
                if (prepared is { Request.Strategy: MemLoad.Strategy.Auto, Refusal: MemLoadException refusal })
                {
                    WriteError(ErrorRecords.From(refusal, prepared.Checkpoint.Path));
                }
            }
        }
    }
}
