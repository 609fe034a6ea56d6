using System.Management.Automation;
using MemLoad.Abstractions;

namespace MemLoad.Commands;

/// <summary>Says of each checkpoint whether it is sound, and which rule it breaks if not.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Weights", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightVerdict))]
public sealed class TestWeightsCommand : PathCmdlet
{
    /// <inheritdoc/>
    protected override void ProcessPath(string path) => WriteObject(Judge(path));

    private WeightVerdict Judge(string path)
    {
        try
        {
            Checkpoint checkpoint = Checkpoint.Open(path, StopToken);
            return new WeightVerdict
            {
                Path = checkpoint.Path,
                IsSound = true,
                Format = checkpoint.Format.ToString(),
                TensorCount = checkpoint.Tensors.Length,
                ModelBytes = checkpoint.ModelBytes,
                FileBytes = checkpoint.FileBytes,
            };
        }
        // A path that is not there is no unsound checkpoint but a mistake: that stays an error.
        catch (MemLoadException e) when (e.Rule != Rules.PathNotFound && e.Rule != Rules.PathUnreadable)
        {
            return new WeightVerdict { Path = path, IsSound = false, RuleId = e.Rule.Id, Message = e.Message, Offset = e.Offset };
        }
    }
}
