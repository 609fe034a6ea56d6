namespace MemLoad.Cli;

/// <summary><c>memload manifest</c>: writes the name, type, shape and SHA-256 of every tensor of a checkpoint.</summary>
internal static class ManifestCommand
{
    public const string Description =
        "Write the name, type, shape and SHA-256 of every tensor to a manifest, with which copies in any format can be compared.";

    public static Command Build(CliConsole console)
    {
        var path = new PathOperand();
        Option<string?> target = CommonOptions.Path(
            "--out", $"The file to write. By default NAME{WeightManifest.Extension} in the folder of the checkpoint.");
        var tensors = new TensorOptions();
        Option<bool> force = CommonOptions.Force();
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("manifest", Description) { target };
        tensors.AddTo(command);
        command.AddAll(force, format);
        path.AddTo(command);
        command.Runs((parsed, cancellationToken) =>
        {
            Checkpoint checkpoint = tensors.Open(path.Read(parsed)!, parsed, cancellationToken);
            string file = parsed.GetValue(target) ?? ManifestWriter.DefaultPath(checkpoint.Path);
            Print(Write(checkpoint, file, parsed.GetValue(force), console, cancellationToken), format.Read(parsed), console);
            return ExitCode.Done;
        });
        return command;
    }

    private static WeightManifestInfo Write(Checkpoint checkpoint, string file, bool force, CliConsole console, CancellationToken ct)
    {
        using var status = new StatusLine(console);
        return ManifestWriter.Write(checkpoint, file, force,
            status.Bytes("hashing", WeightsDigest.BytesToHash(checkpoint), announced: true), ct);
    }

    private static void Print(WeightManifestInfo written, OutputFormat format, CliConsole console)
    {
        string size = $"{Figures.Count(written.TensorCount, "tensor")}, {Printable.Bytes(written.ModelBytes)}";
        RowOutput.WriteOne(written, format, JsonOutput.Types.WeightManifestInfo,
            $"{Printable.Text(written.Manifest)}: {size}, digest {written.WeightsDigest}", console);
    }
}
