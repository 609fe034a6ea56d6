namespace MemLoad.Cli;

/// <summary>The options that select the tensors of a checkpoint.</summary>
internal sealed class TensorOptions
{
    private readonly Option<string?> _key = CommonOptions.Key();

    private readonly RepeatedOption _include = Patterns("--include", "Include only");

    private readonly RepeatedOption _exclude = Patterns("--exclude", "Exclude");

    private readonly Option<bool> _allowOpaque = CommonOptions.AllowOpaque();

    public void AddTo(Command command) => command.AddAll(_key, _include, _exclude, _allowOpaque);

    /// <summary>Opens the selected part of a checkpoint.</summary>
    public Checkpoint Open(string path, ParseResult parsed, CancellationToken cancellationToken, bool headersOnly = false) =>
        Checkpoint.OpenSelected(path, parsed.GetValue(_key), parsed.GetValue(_include) ?? [], parsed.GetValue(_exclude) ?? [],
            parsed.GetValue(_allowOpaque), cancellationToken, headersOnly);

    /// <summary>Returns a request with the selection of the command line.</summary>
    public LoadRequest Apply(LoadRequest request, ParseResult parsed) => request with
    {
        Key = parsed.GetValue(_key),
        Include = parsed.GetValue(_include) ?? [],
        Exclude = parsed.GetValue(_exclude) ?? [],
        AllowOpaque = parsed.GetValue(_allowOpaque),
    };

    // One pattern per option: a name may contain a comma, and the path may follow a pattern.
    private static RepeatedOption Patterns(string name, string what) => new(name)
    {
        Description = $"{what} tensors whose names match one of these patterns (* and ?, case ignored; repeat the option for more).",
        HelpName = "pattern",
    };
}
