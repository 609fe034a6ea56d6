namespace MemLoad.Cli;

/// <summary><c>memload test</c>: tests whether a path is a sound checkpoint, and prints the rule that it breaks if not.</summary>
internal static class TestCommand
{
    public const string Description =
        "Test whether each path is a sound checkpoint, and print the rule that it breaks if not. Reads headers only, and runs nothing. "
            + "Returns 1 unless all are Sound.";

    public static Command Build(CliConsole console)
    {
        var paths = new PathOperand("Checkpoints: .pth, .pt, .bin, .safetensors, .gguf, a *.index.json, a folder, or hf://ORG/NAME "
            + "in the cache of the Hugging Face hub.", several: true);
        var deep = new Option<bool>("--deep")
        {
            Description = "Read all bytes: verify the checksums of archives, and look for NaN, Inf, zero and constant tensors and zeros "
                + "after a truncation.",
        };
        Option<string?> manifest = CommonOptions.Manifest(
            "Read every tensor and compare it with this manifest (memload manifest): names, types, shapes and SHA-256.");
        Option<bool> allowOpaque = CommonOptions.AllowOpaque();
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("test", Description)
        {
            deep, manifest, allowOpaque, format,
        };
        paths.AddTo(command);
        command.Runs((parsed, cancellationToken) =>
        {
            WeightManifest? expected = parsed.GetValue(manifest) is string file ? WeightManifest.Read(file, cancellationToken) : null;
            OpenLimits limits = OpenLimits.FromEnvironment() with { AllowOpaque = parsed.GetValue(allowOpaque) };
            var verdicts = new List<WeightVerdict>();
            int code = ExitCode.Done;
            foreach (string path in paths.ReadAll(parsed))
            {
                try
                {
                    WeightVerdict verdict = Test(path, limits, parsed.GetValue(deep), expected, console, cancellationToken);
                    verdicts.Add(verdict);
                    code = verdict.IsSound ? code : ExitCode.Failed;
                }
                catch (MemLoadException e)
                {
                    // This path cannot be tested. The others are still tested.
                    code = console.Report(e);
                }
            }
            if (verdicts.Count > 0)
            {
                Print([.. verdicts], format.Read(parsed), console);
            }
            return code;
        });
        return command;
    }

    private static WeightVerdict Test(
        string path, OpenLimits limits, bool deep, WeightManifest? manifest, CliConsole console, CancellationToken ct)
    {
        if (!deep && manifest is null)
        {
            return WeightTester.Test(path, limits, false, null, null, ct);
        }
        using var status = new StatusLine(console);
        return WeightTester.Test(path, limits, deep, manifest, total => status.Bytes("testing", total, announced: true), ct);
    }

    private static void Print(WeightVerdict[] verdicts, OutputFormat format, CliConsole console) => RowOutput.Write(verdicts, format,
        JsonOutput.Types.WeightVerdictArray, JsonOutput.Types.WeightVerdict, () => TestView.Write(verdicts, console), console);
}
