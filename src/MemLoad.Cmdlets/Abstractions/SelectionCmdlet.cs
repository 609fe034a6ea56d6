namespace MemLoad.Abstractions;

/// <summary>
/// The parameters that <c>Measure-LoadMemory</c> and <c>Get-LoadPlan</c> share: what to load, with which strategy, and to which device.
/// </summary>
public abstract class SelectionCmdlet : MemLoadCmdlet
{
    private const string DefaultSize = "gpt2-small";

    /// <summary>Files or folders; wildcards are expanded. By default a generated checkpoint of <see cref="Size"/>.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public virtual string[] Path { get; set; } = [];

    /// <summary>Files or folders, taken literally.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [ValidateNotNullOrEmpty]
    [Alias("PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The strategies; by default all except <c>Auto</c>, which chooses the fastest that fits.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [EnumNames<Strategy[]>]
    public Strategy[] Strategy { get; set; } = [];

    /// <summary>The devices to load to, one after the other.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [ArgumentCompleter(typeof(DeviceCompleter))]
    [ValidateNotNullOrEmpty]
    public virtual string[] Device { get => field ?? [DeviceRegistry.Default]; set; }

    /// <summary>Size of the generated checkpoint; with a path, the model that the checkpoint must fit.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [ArgumentCompleter(typeof(SizeCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Size { get; set; }

    /// <summary>The type to cast floating-point tensors to while loading; by default they stay as in the file.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [EnumNames<CastDType?>]
    public CastDType? DType { get; set; }

    /// <summary>The most host memory that a load may need, in bytes.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [Bytes]
    [Alias("MaxHostMemory")]
    [AtLeast(1)]
    public long? HostMemoryLimit { get; set; }

    /// <summary>Capacity of the device, in bytes.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [Bytes]
    [Alias("MaxDeviceMemory")]
    [AtLeast(1)]
    public long? DeviceMemoryLimit { get; set; }

    /// <summary>
    /// The revision of a model in the cache of the Hugging Face hub: a branch, a tag, or a commit. At least seven digits of a commit are
    /// needed.
    /// </summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    [ValidateNotNullOrEmpty]
    public string? Revision { get; set; }

    /// <summary>The container or tensor of the checkpoint to load.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [ArgumentCompleter(typeof(KeyCompleter))]
    public string? Key { get; set; }

    /// <summary>Name patterns of the tensors to load.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [ArgumentCompleter(typeof(TensorNameCompleter))]
    [SupportsWildcards]
    public string[] Include { get; set; } = [];

    /// <summary>Name patterns of the tensors to exclude.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [ArgumentCompleter(typeof(TensorNameCompleter))]
    [SupportsWildcards]
    public string[] Exclude { get; set; } = [];

    /// <summary>Opens a file that has objects other than tensors. They are left out, with the tensors in them, and no code runs.</summary>
    [Parameter(ParameterSetName = ParameterSets.Path)]
    [Parameter(ParameterSetName = ParameterSets.LiteralPath)]
    public SwitchParameter AllowOpaque { get; set; }

    /// <summary>The rank that loads, from 0; by default all ranks, at the same time.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [BlankIs(null)]
    [AtLeast(0)]
    public int? Rank { get; set; }

    /// <summary>The number of ranks that the checkpoint is split among.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [BlankIs(1)]
    [ValidateRange(1, int.MaxValue)]
    public int RankCount { get; set; } = 1;

    /// <summary>The dimension in which each tensor is split among the ranks; by default they load whole tensors.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.Path)]
    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [EnumNames<TensorSplit?>]
    public TensorSplit? Split { get; set; }

    /// <summary>Answers the requests of each checkpoint: one request per device and strategy, or per rank and strategy.</summary>
    protected void ProcessSelection()
    {
        bool literal = ParameterSetName == ParameterSets.LiteralPath;
        string[] paths = literal ? LiteralPath : Path;
        if (paths.Length == 0)
        {
            Attempt(Size ?? DefaultSize, () => ProcessSize(Size ?? DefaultSize));
        }
        ForEachFile(paths, literal, file =>
        {
            // A plan for a size has the path of the checkpoint that would be generated for it.
            if (!RemoteAddress.Is(file) && !File.Exists(file) && GeneratedCheckpoint.SizeOf(file) is string size)
            {
                ProcessSize(size);
            }
            else
            {
                ProcessRequests(Requests(file, Size));
            }
        }, Revision);
    }

    /// <summary>The key; null for an empty cell of a CSV file.</summary>
    private protected string? SelectedKey => string.IsNullOrEmpty(Key) ? null : Key;

    /// <summary>Completes a request with the parameters of one command.</summary>
    /// <param name="request">The request.</param>
    private protected virtual LoadRequest Complete(LoadRequest request) => request;

    /// <summary>Answers the requests of one checkpoint.</summary>
    /// <param name="requests">One request per device and strategy, in order; at least one.</param>
    protected abstract void ProcessRequests(IReadOnlyList<LoadRequest> requests);

    /// <summary>Returns the generated checkpoint of a size.</summary>
    /// <param name="size">A known size.</param>
    /// <param name="path">Its path; null if the size is enough.</param>
    /// <returns>Whether to continue. The user may decline the generation.</returns>
    protected abstract bool TryGenerate(string size, out string? path);

    private void ProcessSize(string size)
    {
        if (TryGenerate(size, out string? path))
        {
            ProcessRequests(Requests(path, size));
        }
    }

    private IReadOnlyList<LoadRequest> Requests(string? path, string? size) => Complete(new LoadRequest
    {
        Path = path,
        Strategy = MemLoad.Strategy.Auto,
        Size = size,
        DType = (DType?)DType,
        Key = SelectedKey,
        Include = TensorPatterns.Parse(Include),
        Exclude = TensorPatterns.Parse(Exclude),
        AllowOpaque = AllowOpaque,
        RankCount = RankCount,
        Split = Split,
        HostMemoryLimit = HostMemoryLimit,
        DeviceMemoryLimit = DeviceMemoryLimit,
    }).By(Strategy, Device, Rank);
}
