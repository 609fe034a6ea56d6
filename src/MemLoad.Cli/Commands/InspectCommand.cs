namespace MemLoad.Cli;

/// <summary>
/// <c>memload inspect</c>: lists the tensors of a checkpoint from its headers; with <c>--hash</c>, with a digest of every tensor.
/// </summary>
internal static class InspectCommand
{
    public const string Description =
        "List the tensors of a checkpoint: names, types, shapes, and the location of their bytes. Reads headers only.";

    public static Command Build(CliConsole console)
    {
        var path = new PathOperand(PathOperand.OneCheckpointAnywhere, canBeRemote: true);
        var tensors = new TensorOptions();
        var hash = new Option<bool>("--hash")
        {
            Description = "Read every tensor and print its SHA-256 (elements contiguous, little-endian, row-major).",
        };
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("inspect", Description);
        tensors.AddTo(command);
        command.AddAll(hash, format);
        path.AddTo(command);
        command.Runs((parsed, cancellationToken) =>
        {
            Checkpoint checkpoint = tensors.Open(path.Read(parsed)!, parsed, cancellationToken, headersOnly: !parsed.GetValue(hash));
            string[]? digests = null;
            if (parsed.GetValue(hash))
            {
                using var status = new StatusLine(console);
                digests = WeightsDigest.OfTensors(checkpoint,
                    status.Bytes("hashing", WeightsDigest.BytesToHash(checkpoint), announced: true), cancellationToken);
            }
            Print(checkpoint, WeightInfo.Of(checkpoint, digests), format.Read(parsed), console);
            return ExitCode.Done;
        });
        return command;
    }

    // CSV is written tensor by tensor. The other forms need all tensors.
    private static void Print(Checkpoint checkpoint, IEnumerable<WeightInfo> tensors, OutputFormat format, CliConsole console)
    {
        RowOutput.Write(format, () => JsonOutput.Write(Result(), JsonOutput.Types.InspectResult, console.Out),
            tensors, JsonOutput.Types.WeightInfo, () => InspectView.Write(Result(), console), console);

        InspectResult Result() => new(checkpoint.Path, checkpoint.Format, checkpoint.FileBytes, checkpoint.Metadata, [.. tensors])
        {
            Findings = checkpoint.Findings.IsEmpty ? null : checkpoint.Findings,
        };
    }
}
