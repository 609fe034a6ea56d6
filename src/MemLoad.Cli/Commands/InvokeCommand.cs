namespace MemLoad.Cli;

/// <summary><c>memload invoke</c>: runs a model on token ids and prints the logits.</summary>
internal static class InvokeCommand
{
    public const string Description = "Load a GPT checkpoint, run it on token ids and print the logits.";

    public static Command Build(CliConsole console)
    {
        var path = new PathOperand();
        Option<int[]> tokenIds = Lists.TokenIdsOption("--token-ids", "The input, as token ids.");
        Option<int?> heads = Numbers.CountOption("--heads", "The number of attention heads, if the checkpoint is not of a known size.");
        Option<string?> key = CommonOptions.Key();
        Option<bool> allowOpaque = CommonOptions.AllowOpaque();
        WordOption<Strategy> strategy =
            CommonOptions.Strategies.Option("--strategy", "The strategy to load with. Auto chooses the fastest that fits.", "Auto");
        Option<string> device = CommonOptions.Device();
        WordOption<DType?> dtype = CommonOptions.Cast();
        Option<string?> manifest = CommonOptions.Manifest("Run only if the loaded weights match this manifest (memload manifest).");
        Option<bool> force = CommonOptions.ForceLoad();
        WordOption<OutputFormat> format = CommonOptions.FormatWithoutCsv();

        var command = new Command("invoke", Description)
        {
            tokenIds, heads, key, allowOpaque, strategy, device, dtype, manifest, force, format,
        };
        path.AddTo(command);
        command.Runs((parsed, cancellationToken) =>
        {
            var request = new LoadRequest
            {
                Path = path.Read(parsed)!,
                Strategy = strategy.Read(parsed),
                Device = parsed.GetValue(device)!,
                Key = parsed.GetValue(key),
                AllowOpaque = parsed.GetValue(allowOpaque),
                DType = dtype.Read(parsed),
                Manifest = parsed.GetValue(manifest),
                Force = parsed.GetValue(force),
            };
            int[] ids = parsed.GetValue(tokenIds)!;
            SpeedNote.Ensure(console, [request], cancellationToken);
            using var prepared = PreparedLoad.Prepare(request, cancellationToken);
            GptConfig config = Fitting(prepared.View, parsed.GetValue(heads));
            using LoadedModel model = WeightLoader.Load(prepared, cancellationToken);
            float[] logits = model.Prepared.Device.BuildGpt(config, model.Weights).Forward(ids, cancellationToken);
            model.Weights.RequireIntact();
            var result = new InvokeResult([1, ids.Length, config.VocabularySize], logits);
            if (format.Read(parsed) == OutputFormat.Json)
            {
                JsonOutput.Write(result, JsonOutput.Types.InvokeResult, console.Out);
            }
            else
            {
                LogitsView.Write(result, console);
            }
            return ExitCode.Done;
        });
        return command;
    }

    // Names and shapes are checked before anything is loaded.
    private static GptConfig Fitting(LoadView view, int? heads)
    {
        var config = GptConfig.Infer(view.Tensors, heads);
        StateDictMatch.Require(config.ToSpec(view.Tensors[0].DType), view);
        return config;
    }
}
