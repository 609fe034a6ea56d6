using System.Collections;
using System.Collections.ObjectModel;

namespace MemLoad.Completion;

/// <summary>Completes words from the checkpoint that the command line names.</summary>
public abstract class CheckpointCompleter : WordCompleter
{
    // A completer has no session. A script block runs in the session in which the user pressed the key.
    private const string Resolve = "param($path) $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($path)";

    /// <inheritdoc/>
    protected sealed override IEnumerable<(string Text, string ToolTip)> Words(IDictionary bound)
    {
        ArgumentNullException.ThrowIfNull(bound);
        foreach (string parameter in (string[])["LiteralPath", "Path"])
        {
            object? value = bound[parameter] is object[] { Length: > 0 } several ? several[0] : bound[parameter];
            if (value?.ToString() is { Length: > 0 } path)
            {
                Collection<PSObject> resolved = ScriptBlock.Create(Resolve).Invoke(path);
                return Words(Checkpoint.Open(resolved[0].ToString(), OpenLimits.FromEnvironment() with { AllowOpaque = true }));
            }
        }
        return [];
    }

    /// <summary>Returns the words of one checkpoint.</summary>
    protected abstract IEnumerable<(string Text, string ToolTip)> Words(Checkpoint checkpoint);
}
