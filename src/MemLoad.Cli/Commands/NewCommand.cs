using System.CommandLine.Parsing;

namespace MemLoad.Cli;

/// <summary><c>memload new</c>: writes a newly initialised GPT checkpoint.</summary>
internal static class NewCommand
{
    private const long DefaultSeed = 123;

    public const string Description = "Write a newly initialised GPT checkpoint for tests and examples.";

    public static Command Build(CliConsole console)
    {
        WordOption<string?> size = CommonOptions.Sizes.Option("--size", $"A known size: {string.Join(", ", CommonOptions.Sizes.All)}.");
        Option<int?> vocabulary = Numbers.CountOption("--vocab", "For custom dimensions: the number of tokens in the vocabulary.");
        Option<int?> context = Numbers.CountOption("--context", "For custom dimensions: the maximum number of tokens of an input.");
        Option<int?> embedding = Numbers.CountOption("--emb", "For custom dimensions: the width of the embedding, a multiple of --heads.");
        Option<int?> layers = Numbers.CountOption("--layers", "For custom dimensions: the number of transformer blocks.");
        Option<int?> heads = Numbers.CountOption("--heads", "For custom dimensions: the number of attention heads of each block.");
        Option<int?>[] custom = [vocabulary, context, embedding, layers, heads];
        var target = new OutputTarget(required: false,
            "The file or folder to write. By default it is named after the size, in the current folder.");
        Option<long> seed = Numbers.SeedOption("--seed", "The seed of the random numbers. The same seed gives the same weights.",
            DefaultSeed);
        WordOption<DType?> dtype = CommonOptions.ModelTypes.Option("--dtype", "The element type of the parameters.", "float32");
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("new", Description) { size };
        command.AddAll(custom);
        target.AddTo(command);
        command.AddAll(seed, dtype, format);
        command.Validators.Add(result => CheckSize(result, size, custom));
        command.Runs((parsed, cancellationToken) =>
        {
            if (size.Read(parsed) is not string name || !GptConfig.TryFromSize(name, out GptConfig? config))
            {
                config = new GptConfig(parsed.GetValue(vocabulary)!.Value, parsed.GetValue(context)!.Value,
                    parsed.GetValue(embedding)!.Value, parsed.GetValue(layers)!.Value, parsed.GetValue(heads)!.Value);
            }
            string path = target.PathOf(parsed) ?? (config.SizeName ?? "gpt") + FormatNames.ExtensionOf(target.FormatOf(parsed));
            var source = new GptInitializer(config, parsed.GetValue(seed), dtype.Read(parsed)!.Value);
            target.Write(source, path, parsed, format.Read(parsed), console, cancellationToken);
            return ExitCode.Done;
        });
        return command;
    }

    private static void CheckSize(CommandResult result, WordOption<string?> size, Option<int?>[] custom)
    {
        int given = custom.Count(option => result.GetResult(option) is not null);
        bool named = result.GetResult(size) is not null;
        if (named && given > 0)
        {
            result.AddError("--size names a model and the other numbers describe one: give one or the other");
        }
        else if (!named && given < custom.Length)
        {
            result.AddError($"Give the size: --size {string.Join('|', CommonOptions.Sizes.All)}, or all of "
                + $"{string.Join(", ", custom.Select(option => option.Name))}");
        }
    }
}
