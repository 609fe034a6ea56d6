namespace MemLoad.Commands;

/// <summary>Writes the name, type, shape and SHA-256 of every tensor of checkpoints, with which copies can be compared.</summary>
[Cmdlet(VerbsCommon.New, "WeightManifest", SupportsShouldProcess = true, DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightManifestInfo))]
public sealed class NewWeightManifestCommand : NarrowingPathCmdlet
{
    /// <summary>The file to write, or an existing folder to write into; by default in the folder of the checkpoint.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Destination { get; set; }

    /// <summary>Replaces an existing file.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        Checkpoint checkpoint = Open(path);
        string? given = PathResolver.Optional(SessionState.Path, Destination);
        string target = given is null || Directory.Exists(given) ? ManifestWriter.DefaultPath(path, given) : given;
        if (ShouldProcess(target, $"Write manifest of {path}"))
        {
            WriteObject(PumpHashes(checkpoint, path, (done, stop) => ManifestWriter.Write(checkpoint, target, Force, done, stop)));
        }
    }
}
