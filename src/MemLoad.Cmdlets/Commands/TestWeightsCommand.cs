using System.Management.Automation;
using MemLoad.Abstractions;

namespace MemLoad.Commands;

/// <summary>Says of each checkpoint whether it is sound, and which rule it breaks if not.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Weights", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightVerdict), typeof(bool))]
public sealed class TestWeightsCommand : PathCmdlet
{
    private (string Path, WeightManifest Manifest)? _manifest;
    private MemLoadException? _manifestProblem;

    /// <summary>Read everything: verify checksums and scan the bytes of every tensor.</summary>
    [Parameter]
    public SwitchParameter Deep { get; set; }

    /// <summary>A manifest of the weights that each checkpoint should hold.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Manifest { get; set; }

    /// <summary>Give a Boolean for each path instead of a verdict: whether a sound checkpoint is there.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        WeightManifest? manifest = ReadManifest();
        WeightVerdict verdict = Deep || manifest is not null
            ? PumpBytes("Testing", path, (begin, stop) => WeightTester.Test(path, Deep, manifest, begin, stop))
            : WeightTester.Test(path, cancellationToken: StopToken);
        WriteObject(Quiet ? verdict.IsSound : verdict);
        if (verdict.Warning is not string warning)
        {
            return;
        }
        // Fresh models have tensors of zeros and ones. NaN, Inf and a tail of zeros hardly ever belong there.
        if (verdict is { NanCount: > 0 } or { InfCount: > 0 } or { ZeroTailBytes: > 0 })
        {
            WriteWarning($"{path}: {warning}.");
        }
        else
        {
            WriteVerbose($"{path}: {warning}.");
        }
    }

    /// <inheritdoc/>
    protected override void Fail(Exception problem, object? target)
    {
        // As Test-Path and Test-Connection: what is not there is False. What the test itself lacks stays an error.
        if (Quiet && problem is MemLoadException && problem != _manifestProblem)
        {
            WriteObject(false);
        }
        else
        {
            base.Fail(problem, target);
        }
    }

    // Once for all checkpoints that are held against it.
    private WeightManifest? ReadManifest()
    {
        string? path = PathResolver.Optional(SessionState.Path, Manifest);
        if (path is null)
        {
            return null;
        }
        if (_manifest?.Path != path)
        {
            try
            {
                _manifest = (path, WeightManifest.Read(path, StopToken));
            }
            catch (MemLoadException e)
            {
                _manifestProblem = e;
                throw;
            }
        }
        return _manifest?.Manifest;
    }
}
