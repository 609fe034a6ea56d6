using System.CommandLine;

namespace MemLoad.Cli;

/// <summary><c>memload inspect</c>: what is in a checkpoint, from its headers; with <c>--hash</c>, a digest of every tensor.</summary>
internal static class InspectCommand
{
    public const string Description = "List what is in a checkpoint: names, types, shapes, and where the bytes lie. Reads headers only.";

    public static Command Build(CliConsole console)
    {
        var path = new PathOperand();
        Option<string?> key = CommonOptions.Key();
        Option<string[]> include = CommonOptions.Include();
        Option<string[]> exclude = CommonOptions.Exclude();
        var hash = new Option<bool>("--hash") { Description = "Read every tensor and print its SHA-256 (elements contiguous, little-endian, row-major)." };
        WordOption<OutputFormat> format = CommonOptions.Format();

        var command = new Command("inspect", Description)
        {
            key, include, exclude, hash, format,
        };
        path.AddTo(command);
        command.Runs((parsed, cancellationToken) =>
        {
            Checkpoint checkpoint = Checkpoint.Open(path.Read(parsed)!, cancellationToken)
                .Select(parsed.GetValue(key), parsed.GetValue(include) ?? [], parsed.GetValue(exclude) ?? []);
            string[]? digests = null;
            if (parsed.GetValue(hash))
            {
                using var status = new StatusLine(console);
                digests = WeightsDigest.OfTensors(checkpoint, status.Bytes("hashing", WeightsDigest.BytesToHash(checkpoint), announced: true), cancellationToken);
            }
            Print(Describe(checkpoint, digests), format.Read(parsed), console);
            return ExitCode.Done;
        });
        return command;
    }

    private static InspectResult Describe(Checkpoint checkpoint, string[]? digests)
    {
        string folder = Directory.Exists(checkpoint.Path) ? checkpoint.Path : Path.GetDirectoryName(checkpoint.Path)!;
        return new InspectResult(
            checkpoint.Path,
            checkpoint.Format,
            checkpoint.FileBytes,
            checkpoint.Metadata,
            [.. checkpoint.Tensors.Select((tensor, i) => Describe(checkpoint, tensor, folder, digests?[i]))]);
    }

    private static TensorRow Describe(Checkpoint checkpoint, TensorEntry tensor, string folder, string? digest)
    {
        Extent storage = checkpoint.Storages[tensor.Storage];
        return new TensorRow(
            tensor.Name,
            tensor.DType.TorchName(),
            tensor.Shape,
            tensor.Strides,
            tensor.Bytes,
            Path.GetRelativePath(folder, checkpoint.Files[storage.File].Path),
            storage.Offset + tensor.ByteOffset,
            digest);
    }

    private static void Print(InspectResult result, OutputFormat format, CliConsole console)
    {
        switch (format)
        {
            case OutputFormat.Json:
                JsonOutput.Write(result, JsonOutput.Types.InspectResult, console.Out);
                break;
            case OutputFormat.Csv:
                CsvWriter.Write(result.Tensors, JsonOutput.Types.TensorRow, console.Out);
                break;
            default:
                InspectView.Write(result, console);
                break;
        }
    }
}
