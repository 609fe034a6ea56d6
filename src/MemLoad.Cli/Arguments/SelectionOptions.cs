namespace MemLoad.Cli;

/// <summary>The options that <c>measure</c> and <c>plan</c> share: what to load, with which strategy, and to which device.</summary>
internal sealed class SelectionOptions
{
    private const string DefaultSize = "gpt2-small";

    private readonly PathOperand _path;

    private readonly Option<Strategy[]> _strategies = CommonOptions.Strategies.ListOption(
        "--strategy", $"The strategies, separated by commas: {string.Join(", ", CommonOptions.Strategies.All)}. By default all except "
            + $"Auto, which chooses the fastest that fits.", "A,B");

    private readonly Option<string> _device = CommonOptions.Device();

    private readonly WordOption<string?> _size =
        CommonOptions.Sizes.Option("--size",
            $"Size of the generated checkpoint: {string.Join(", ", CommonOptions.Sizes.All)}; {DefaultSize} if neither a size nor a path "
            + $"is given. With a path, require that the checkpoint fits this model.");

    private readonly WordOption<DType?> _dtype = CommonOptions.Cast();

    private readonly Option<long?> _hostMemoryLimit =
        Numbers.BytesOption("--host-memory-limit",
            "Refuse loads whose forecast exceeds this much host memory, such as 2GB (KB, MB, GB are powers of 1024), or the memory that is "
            + "available if that is less.");

    private readonly Option<long?> _deviceMemoryLimit =
        Numbers.BytesOption("--device-memory-limit", "Capacity of the device, such as 8GB.");

    private readonly TensorOptions _tensors = new();

    private readonly Option<int?> _rank =
        Numbers.CountOption("--rank", "Load only the part of this rank, counted from 0. [default: all ranks, at the same time]", least: 0);

    private readonly Option<int?> _rankCount = Numbers.CountOption("--rank-count",
        "Split the weights among n ranks with about the same number of bytes. The devices are one per rank. [default: 1]");

    private readonly WordOption<TensorSplit?> _split =
        CommonOptions.Splits.Option("--split",
            $"Split each tensor among the ranks, as for tensor parallelism: {string.Join(", ", CommonOptions.Splits.All)}. By default the "
            + "ranks load whole tensors.");

    /// <param name="forecastOnly">Whether nothing is loaded, so that headers are enough.</param>
    public SelectionOptions(bool forecastOnly = false) =>
        _path = new PathOperand(
            $"{(forecastOnly ? PathOperand.OneCheckpointAnywhere : PathOperand.OneCheckpoint)} Without it, a generated GPT checkpoint of "
                + "--size is used.", required: false, canBeRemote: forecastOnly);

    public void AddTo(Command command)
    {
        _path.AddTo(command);
        command.AddAll(_strategies, _device, _size, _dtype, _hostMemoryLimit, _deviceMemoryLimit);
        _tensors.AddTo(command);
        command.AddAll(_rank, _rankCount, _split);
    }

    public string? PathOf(ParseResult parsed) => _path.Read(parsed);

    public string? DeviceOf(ParseResult parsed) => parsed.GetResult(_device) is { Implicit: false } ? parsed.GetValue(_device) : null;

    /// <summary>
    /// Returns the requests in their order: one per device and strategy. If no path was given, <paramref name="makeFile"/> returns that of
    /// the checkpoint of a size, or null if the shapes are enough.
    /// </summary>
    public IReadOnlyList<LoadRequest> Read(ParseResult parsed, Func<string, string?> makeFile)
    {
        string? size = _size.Read(parsed);
        string? path = _path.Read(parsed);
        if (path is null)
        {
            size ??= DefaultSize;
            path = makeFile(size);
        }
        var request = new LoadRequest
        {
            Path = path,
            Strategy = Strategy.Auto,
            Size = size,
            DType = _dtype.Read(parsed),
            RankCount = parsed.GetValue(_rankCount) ?? 1,
            Split = _split.Read(parsed),
            HostMemoryLimit = parsed.GetValue(_hostMemoryLimit),
            DeviceMemoryLimit = parsed.GetValue(_deviceMemoryLimit),
        };
        return _tensors.Apply(request, parsed).By(parsed.GetValue(_strategies) ?? [], [parsed.GetValue(_device)!], parsed.GetValue(_rank));
    }
}
