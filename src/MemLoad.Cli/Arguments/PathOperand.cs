using System.CommandLine;
using System.CommandLine.Parsing;

namespace MemLoad.Cli;

/// <summary>What a command works on: paths that stand after its name, or the values of <c>--path</c>, or both where it takes several. Paths are taken as they
/// stand: no tilde or wildcard is expanded that the shell left alone.</summary>
internal sealed class PathOperand
{
    /// <summary>What a command that reads one checkpoint says of it.</summary>
    public const string OneCheckpoint = "The checkpoint: .pth, .pt, .bin, .safetensors, a *.index.json, or a folder with one file per tensor.";

    private readonly Argument<string[]> _operand;
    private readonly Option<string[]> _option;
    private readonly bool _required;
    private readonly bool _several;

    /// <param name="description">What the paths are, for help.</param>
    /// <param name="required">Whether there must be one.</param>
    /// <param name="several">Whether there may be more.</param>
    public PathOperand(string description = OneCheckpoint, bool required = true, bool several = false)
    {
        _required = required;
        _several = several;
        _operand = new Argument<string[]>("path")
        {
            Description = description,
            HelpName = "path",
            Arity = ArgumentArity.ZeroOrMore,
        };
        // Where one path is taken, several are read all the same, so that the check can count them.
        _option = new Option<string[]>("--path")
        {
            Description = several ? "The same, as an option; repeat it for more." : "The same, as an option.",
            HelpName = "path",
            AllowMultipleArgumentsPerToken = several,
        };
    }

    /// <summary>Adds the operand and the option to a command, with the check that there are as many paths as it takes.</summary>
    public void AddTo(Command command)
    {
        command.Add(_operand);
        command.Options.Insert(0, _option);
        command.Validators.Add(Check);
    }

    /// <summary>The paths, those after the command's name first.</summary>
    public string[] ReadAll(ParseResult parsed) => [.. parsed.GetValue(_operand) ?? [], .. parsed.GetValue(_option) ?? []];

    /// <summary>The path; null if none was given.</summary>
    public string? Read(ParseResult parsed) => ReadAll(parsed).FirstOrDefault();

    private void Check(CommandResult result)
    {
        string[] operands = [.. result.GetResult(_operand)?.Tokens.Select(token => token.Value) ?? []];
        string[] all = [.. operands, .. result.GetResult(_option)?.Tokens.Select(token => token.Value) ?? []];
        // The parser takes a word that begins like an option, and is none, for an operand.
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
            result.AddError($"A path is missing: write it after '{result.Command.Name}', or as --path");
        }
        else if (all.Length > 1 && !_several)
        {
            result.AddError($"There are {all.Length} paths, and '{result.Command.Name}' takes one");
        }
    }
}
