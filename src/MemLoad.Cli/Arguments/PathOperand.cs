using System.CommandLine.Parsing;

namespace MemLoad.Cli;

/// <summary>
/// The paths that a command works on: operands after its name, or values of <c>--path</c>, or both if it accepts several. Paths are taken
/// literally: tildes and wildcards are left to the shell.
/// </summary>
internal sealed class PathOperand
{
    /// <summary>The description of the path for commands that read one checkpoint.</summary>
    public const string OneCheckpoint =
        "The checkpoint: .pth, .pt, .bin, .safetensors, .gguf, a *.index.json, a folder with one file per tensor or of a distributed "
        + "checkpoint, or hf://ORG/NAME in the cache of the Hugging Face hub.";

    /// <summary>The same for commands that read headers only.</summary>
    public const string OneCheckpointAnywhere = $"{OneCheckpoint} Or the address of a file on a server, https://…";

    private readonly Argument<string[]> _operand;
    private readonly Option<string[]> _option;
    private readonly Option<string?>? _revision;
    private readonly Option<bool>? _remote;
    private readonly bool _required;
    private readonly bool _several;

    /// <summary>
    /// Creates the operand. Paths of checkpoints can be models of the hub. If headers are enough, such a model need not be in the cache.
    /// </summary>
    public PathOperand(
        string description = OneCheckpoint, bool required = true, bool several = false, bool isCheckpoint = true, bool canBeRemote = false)
    {
        _remote = canBeRemote
            ? new Option<bool>("--remote")
            {
                Description = "Read the headers of hf://ORG/NAME on the server of the hub (HF_ENDPOINT, HF_TOKEN) if it is not in the "
                    + "cache.",
            }
            : null;
        _revision = isCheckpoint
            ? new Option<string?>("--revision")
            {
                Description = "The revision of a model of the hub: a branch, a tag, or a commit or its first seven digits or more.",
                HelpName = "revision",
            }
            : null;
        _required = required;
        _several = several;
        _operand = new Argument<string[]>("path")
        {
            Description = description,
            HelpName = "path",
            Arity = ArgumentArity.ZeroOrMore,
        };
        // Several values are always parsed, so that the check can count them.
        _option = new Option<string[]>("--path")
        {
            Description = several ? "The same, as an option. Repeat the option for more paths." : "The same, as an option.",
            HelpName = "path",
            AllowMultipleArgumentsPerToken = several,
        };
    }

    /// <summary>Adds the operand and the option to a command, with a check of the number of paths.</summary>
    public void AddTo(Command command)
    {
        command.Add(_operand);
        command.Options.Insert(0, _option);
        if (_revision is not null)
        {
            command.Add(_revision);
        }
        if (_remote is not null)
        {
            command.Add(_remote);
        }
        command.Validators.Add(Check);
    }

    /// <summary>
    /// Returns the paths. Operands come first. The address of a model of the hub becomes the path of its snapshot in the cache, or its
    /// address on the server.
    /// </summary>
    /// <exception cref="MemLoadException">ML5018, ML5019, ML5021 or ML5202.</exception>
    public string[] ReadAll(ParseResult parsed)
    {
        string? revision = _revision is null ? null : parsed.GetValue(_revision);
        string[] paths = [.. parsed.GetValue(_operand) ?? [], .. parsed.GetValue(_option) ?? []];
        bool remote = _remote is not null && parsed.GetValue(_remote);
        return _revision is null ? paths : [.. paths.Select(path => HubCache.AtRevision(path, revision, remote))];
    }

    public string? Read(ParseResult parsed) => ReadAll(parsed).FirstOrDefault();

    private void Check(CommandResult result)
    {
        string[] operands = [.. result.GetResult(_operand)?.Tokens.Select(token => token.Value) ?? []];
        string[] all = [.. operands, .. result.GetResult(_option)?.Tokens.Select(token => token.Value) ?? []];
        // The parser takes a word that begins like an option, but is none, as an operand.
        if (operands.FirstOrDefault(path => path.StartsWith('-')) is string option)
        {
            result.AddError($"Unknown option '{option}'");
        }
        else if (all.Contains(""))
        {
            result.AddError("The path is empty");
        }
        else if (all.Length == 0 && _required && result.GetResult(_option) is null)
        {
            // These options take all words after them, because a shell expands a pattern to several words.
            Option? greedy = result.Command.Options.FirstOrDefault(option => option != _option && option.AllowMultipleArgumentsPerToken
                && result.GetResult(option)?.Tokens.Count > 1);
            string why = greedy is null ? "" : $" ({greedy.Name} takes all words after it)";
            result.AddError($"A path is missing: write it after '{result.Command.Name}', or as --path{why}");
        }
        else if (all.Length > 1 && !_several)
        {
            Option? missing = result.Command.Options.FirstOrDefault(option => option.Required && result.GetResult(option) is null);
            string hint = missing is null || operands.Length < 2 ? "" : $": write {missing.Name} before '{operands[^1]}'";
            result.AddError($"There are {all.Length} paths, and '{result.Command.Name}' takes one{hint}");
        }
    }
}
