namespace MemLoad.Commands;

/// <summary>Reads the files of checkpoints into the page cache, so that a later load does not wait for a slow disk or a network.</summary>
[Cmdlet(VerbsData.Initialize, "WeightCache", SupportsShouldProcess = true, DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightCacheInfo))]
public sealed class InitializeWeightCacheCommand : NarrowingPathCmdlet
{
    /// <summary>Reads files that are larger than the available memory, too.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        var cache = new WeightCache(Open(path));
        WeightCacheInfo state = cache.State;
        string cached = state.CachedBytes is long bytes ? $", of which {Printable.Bytes(bytes)} are in it" : "";
        if (ShouldProcess(path, $"Read {Printable.Bytes(state.FileBytes)} into the page cache{cached}"))
        {
            string status = Cost("Reading", path, state.FileBytes);
            WriteObject(Pump("Reading", status, state.FileBytes, (done, stop) => cache.Warm(Force, done, stop)));
        }
    }
}
