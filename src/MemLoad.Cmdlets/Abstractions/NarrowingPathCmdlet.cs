namespace MemLoad.Abstractions;

/// <summary>A cmdlet that works on each checkpoint or on a part of it.</summary>
public abstract class NarrowingPathCmdlet : PathCmdlet
{
    /// <summary>The container or tensor of the checkpoint to include.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(KeyCompleter))]
    public string? Key { get; set; }

    /// <summary>Name patterns of the tensors to include.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(TensorNameCompleter))]
    [SupportsWildcards]
    public string[] Include { get; set; } = [];

    /// <summary>Name patterns of the tensors to exclude.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(TensorNameCompleter))]
    [SupportsWildcards]
    public string[] Exclude { get; set; } = [];

    /// <summary>Opens a file that has objects other than tensors. They are left out, with the tensors in them, and no code runs.</summary>
    [Parameter]
    public SwitchParameter AllowOpaque { get; set; }

    /// <summary>The key; null for an empty cell of a CSV file.</summary>
    private protected string? SelectedKey => string.IsNullOrEmpty(Key) ? null : Key;

    /// <summary>Opens the selected part of a checkpoint.</summary>
    private protected Checkpoint Open(string path, bool headersOnly = false) =>
        Checkpoint.OpenSelected(path, SelectedKey, TensorPatterns.Parse(Include), TensorPatterns.Parse(Exclude), AllowOpaque, StopToken,
            headersOnly);

    /// <summary>Reads every tensor of a checkpoint, with the progress of hashing.</summary>
    private protected T PumpHashes<T>(Checkpoint checkpoint, string path, Func<IProgress<long>, CancellationToken, T> work)
    {
        long bytes = WeightsDigest.BytesToHash(checkpoint);
        return Pump("Hashing", Cost("Hashing", path, bytes), bytes, work);
    }
}
