namespace MemLoad.Abstractions;

/// <summary>A cmdlet that works on checkpoints, one after the other.</summary>
public abstract class PathCmdlet : MemLoadCmdlet
{
    /// <summary>Files or folders; wildcards are expanded.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true,
        ParameterSetName = ParameterSets.Path)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    /// <summary>Files or folders, taken literally.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = ParameterSets.LiteralPath)]
    [ValidateNotNullOrEmpty]
    [Alias("PSPath", "LP")]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>
    /// The revision of a model in the cache of the Hugging Face hub: a branch, a tag, or a commit. At least seven digits of a commit are
    /// needed.
    /// </summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Revision { get; set; }

    /// <inheritdoc/>
    protected sealed override void ProcessRecord()
    {
        bool literal = ParameterSetName == ParameterSets.LiteralPath;
        ForEachFile(literal ? LiteralPath : Path, literal, ProcessPath, Revision);
    }

    /// <summary>Works on one checkpoint. A broken rule becomes an error, and the next checkpoint follows.</summary>
    /// <param name="path">The absolute path in the file system.</param>
    protected abstract void ProcessPath(string path);
}
