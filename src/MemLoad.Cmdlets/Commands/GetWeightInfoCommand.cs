using System.Management.Automation;
using MemLoad.Abstractions;

namespace MemLoad.Commands;

/// <summary>Lists the tensors of checkpoints, from their headers.</summary>
[Cmdlet(VerbsCommon.Get, "WeightInfo", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightInfo))]
public sealed class GetWeightInfoCommand : NarrowingPathCmdlet
{
    /// <summary>Read every tensor and give its SHA-256.</summary>
    [Parameter]
    public SwitchParameter Hash { get; set; }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        Checkpoint checkpoint = Checkpoint.Open(path, StopToken).Select(Key, Include, Exclude);
        string[]? hashes = null;
        if (Hash)
        {
            long bytes = WeightsDigest.BytesToHash(checkpoint);
            hashes = Pump("Hashing", Cost("Hashing", path, bytes), bytes, (done, stop) => WeightsDigest.OfTensors(checkpoint, done, stop));
        }
        for (int i = 0; i < checkpoint.Tensors.Length; i++)
        {
            TensorEntry tensor = checkpoint.Tensors[i];
            Extent storage = checkpoint.Storages[tensor.Storage];
            WriteObject(new WeightInfo
            {
                Name = tensor.Name,
                DType = tensor.DType.TorchName(),
                Shape = string.Join(',', tensor.Shape),
                Strides = string.Join(',', tensor.Strides),
                ElementCount = tensor.ElementCount,
                Bytes = tensor.Bytes,
                File = checkpoint.Files[storage.File].Path,
                Offset = storage.Offset + tensor.ByteOffset,
                Storage = tensor.Storage,
                Sha256 = hashes?[i],
                Path = checkpoint.Path,
                Format = checkpoint.Format.ToString(),
            });
        }
    }
}
