using System.CommandLine.Completions;

namespace MemLoad.Cli;

/// <summary>The form of the data on standard output.</summary>
internal enum OutputFormat
{
    Table, // aligned columns for people
    Json, // with all properties
    Csv, // RFC 4180, with all properties
    Prom, // metrics for Prometheus
}

/// <summary>The closed lists of words, and the options that several commands share.</summary>
internal static class CommonOptions
{
    public static readonly Words<Strategy> Strategies =
        new("strategy", [.. Enum.GetValues<Strategy>().Select(value => (value.ToString(), value))]);

    public static readonly Words<string?> Sizes = new("size", [.. GptConfig.Sizes.Select(size => (size, (string?)size))]);

    public static readonly Words<CacheState> Caches =
        new("cache state", ("warm", CacheState.Warm), ("cold", CacheState.Cold), ("asis", CacheState.AsIs));

    public static readonly Words<TensorSplit?> Splits = new("split", ("rows", TensorSplit.Rows), ("columns", TensorSplit.Columns));

    public static readonly Words<DType?> ModelTypes =
        new("dtype", ("float32", DType.Float32), ("float16", DType.Float16), ("bfloat16", DType.BFloat16));

    public static readonly Words<CheckpointFormat?> WritableFormats = new("format", ("pth", CheckpointFormat.TorchZip),
        ("safetensors", CheckpointFormat.Safetensors), ("folder", CheckpointFormat.PerTensor));

    private static readonly Words<OutputFormat> Formats =
        new("format", ("table", OutputFormat.Table), ("json", OutputFormat.Json), ("csv", OutputFormat.Csv));

    private static readonly Words<OutputFormat> FormatsWithMetrics =
        new("format", ("table", OutputFormat.Table), ("json", OutputFormat.Json), ("csv", OutputFormat.Csv), ("prom", OutputFormat.Prom));

    private static readonly Words<OutputFormat> FormatsWithoutCsv =
        new("format", ("table", OutputFormat.Table), ("json", OutputFormat.Json));

    public static WordOption<OutputFormat> Format() =>
        Formats.Option("--format", "The output format: a table for people, or every property for programs.", "table");

    public static WordOption<OutputFormat> FormatWithMetrics() => FormatsWithMetrics.Option("--format",
        "What to print: a table for people, every property for programs, or metrics for Prometheus.", "table");

    public static WordOption<OutputFormat> FormatWithoutCsv() =>
        FormatsWithoutCsv.Option("--format", "The output format: a table for people, or every value for programs.", "table");

    /// <summary>Creates an option for a path that is taken literally: tildes and wildcards are left to the shell.</summary>
    public static Option<string?> Path(string name, string description, bool required = false) =>
        NotEmpty(new Option<string?>(name) { Description = description, HelpName = "path", Required = required });

    /// <summary>Creates an option for several such paths.</summary>
    public static Option<string[]> Paths(string name, string description) =>
        NotEmpty(new Option<string[]>(name) { Description = description, HelpName = "path", AllowMultipleArgumentsPerToken = true });

    private static T NotEmpty<T>(T option)
        where T : Option
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.Length == 0))
            {
                result.AddError($"The path of {option.Name} is empty");
            }
        });
        return option;
    }

    public static Option<string?> Manifest(string description) => Path("--manifest", description);

    public static Option<string?> Key() => new("--key")
    {
        Description = "Load only the part of the checkpoint with this name, such as model_state_dict.",
        HelpName = "name",
    };

    public static Option<bool> AllowOpaque() => new("--allow-opaque")
    {
        Description = "Open a file that contains objects in addition to tensors. The objects and their tensors are left out. No code runs.",
    };

    public static Option<string> Device()
    {
        var option = new Option<string>("--device")
        {
            Description = "The device to load to, or several for measure and plan, separated by commas: cpu; sim, a simulated accelerator "
                + "with PyTorch's allocator that needs no hardware; a card such as cuda:0; with TorchSharp torch:cpu or torch:cuda:0.",
            HelpName = "name",
            DefaultValueFactory = _ => DeviceRegistry.Default,
        };
        option.CompletionSources.Add(_ => DeviceRegistry.Names.Select(name => new CompletionItem(name)));
        return option;
    }

    public static WordOption<DType?> Cast() =>
        ModelTypes.Option("--dtype",
            "Cast floating-point tensors while loading, as module.to(dtype) does: float32, float16 or bfloat16. By default they keep "
            + "the type they have in the file.");

    public static Option<bool> ForceLoad() =>
        new("--force") { Description = "Load even if the forecast exceeds the host's memory. The capacity of a device is not overridden." };

    public static Option<bool> Force() => new("--force") { Description = "Replace an existing file or folder." };
}
