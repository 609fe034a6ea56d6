using System.Management.Automation;
using MemLoad.Completion;

namespace MemLoad.Abstractions;

/// <summary>A cmdlet that works on a part of each checkpoint, if so asked.</summary>
public abstract class NarrowingPathCmdlet : PathCmdlet
{
    /// <summary>Take only what lies under this name of the checkpoint.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(KeyCompleter))]
    public string? Key { get; set; }

    /// <summary>Take only tensors whose names match one of these patterns.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(TensorNameCompleter))]
    [SupportsWildcards]
    public string[] Include { get; set; } = [];

    /// <summary>Leave out tensors whose names match one of these patterns.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(TensorNameCompleter))]
    [SupportsWildcards]
    public string[] Exclude { get; set; } = [];
}
