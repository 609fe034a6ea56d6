namespace MemLoad.Commands;

/// <summary>Lists the tensors of checkpoints, from their headers.</summary>
[Cmdlet(VerbsCommon.Get, "WeightInfo", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightInfo))]
public sealed class GetWeightInfoCommand : NarrowingPathCmdlet
{
    /// <summary>Reads every tensor and returns its SHA-256.</summary>
    [Parameter]
    public SwitchParameter Hash { get; set; }

    /// <summary>
    /// Reads the headers of a model of the Hugging Face hub on its server (HF_ENDPOINT, HF_TOKEN) if the model is not in the cache.
    /// </summary>
    [Parameter]
    public SwitchParameter Remote { get; set; }
    private protected override bool CanBeRemote => Remote;

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        Checkpoint checkpoint = Open(path, headersOnly: !Hash);
        foreach (string finding in checkpoint.Findings)
        {
            WriteVerbose($"{checkpoint.Path}: {Printable.Text(finding)}.");
        }
        string[]? hashes =
            Hash ? PumpHashes(checkpoint, path, (done, stop) => WeightsDigest.OfTensors(checkpoint, done, stop)) : null;
        foreach (WeightInfo tensor in WeightInfo.Of(checkpoint, hashes))
        {
            if (!Hash)
            {
                WriteObject(tensor);
                continue;
            }
            // Rows with a hash have a separate view, because a hash is as wide as the other columns together.
            var hashed = PSObject.AsPSObject(tensor);
            hashed.TypeNames.Insert(0, "MemLoad.HashedWeight");
            WriteObject(hashed);
        }
    }
}
