using System.CommandLine.Parsing;

namespace MemLoad.Cli;

/// <summary>The options for the KV cache that a server needs in addition to the weights.</summary>
internal sealed class CacheOptions
{
    private static readonly Words<DType> Types = new("dtype", [.. KvCache.Types.Select(type => (type.TorchName(), type))]);

    private readonly Option<int?> _contextLength =
        Numbers.CountOption("--context-length", "Also forecast the KV cache of sequences of n tokens, on a separate line.");

    private readonly Option<int?> _sequences =
        Numbers.CountOption("--sequences", "With --context-length: the number of sequences at a time. [default: 1]");

    private readonly WordOption<DType> _type =
        Types.Option("--cache-dtype", $"With --context-length: the type of keys and values: {string.Join(", ", Types.All)}.", "float16");

    public void AddTo(Command command)
    {
        command.AddAll(_contextLength, _sequences, _type);
        command.Validators.Add(Check);
    }

    /// <summary>Returns a request with the requested cache.</summary>
    public LoadRequest Read(ParseResult parsed, LoadRequest request) => request with
    {
        ContextLength = parsed.GetValue(_contextLength),
        Sequences = parsed.GetValue(_sequences) ?? 1,
        CacheDType = _type.Read(parsed),
    };

    private void Check(CommandResult result)
    {
        if (result.GetResult(_contextLength) is null
            && ((Option[])[_sequences, _type]).FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is Option alone)
        {
            result.AddError($"{alone.Name} needs --context-length");
        }
    }
}
