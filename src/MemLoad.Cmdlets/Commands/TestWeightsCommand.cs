using System.Management.Automation;
using MemLoad.Abstractions;

namespace MemLoad.Commands;

/// <summary>Says of each checkpoint whether it is sound, and which rule it breaks if not.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Weights", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightVerdict))]
public sealed class TestWeightsCommand : PathCmdlet
{
    /// <summary>Read everything: verify checksums and scan the bytes of every tensor.</summary>
    [Parameter]
    public SwitchParameter Deep { get; set; }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        WeightVerdict verdict = Deep
            ? Pump("Testing", path, 0, (done, stop) => WeightTester.Test(path, deep: true, _ => done, stop))
            : WeightTester.Test(path, cancellationToken: StopToken);
        WriteObject(verdict);
        if (verdict.Warning is string warning)
        {
            WriteVerbose($"{path}: {warning}");
        }
    }
}
