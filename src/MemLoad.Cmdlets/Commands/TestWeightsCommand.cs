using System.Management.Automation;
using MemLoad.Abstractions;

namespace MemLoad.Commands;

/// <summary>Says of each checkpoint whether it is sound, and which rule it breaks if not.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Weights", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightVerdict))]
public sealed class TestWeightsCommand : PathCmdlet
{
    private (string Path, WeightManifest Manifest)? _manifest;

    /// <summary>Read everything: verify checksums and scan the bytes of every tensor.</summary>
    [Parameter]
    public SwitchParameter Deep { get; set; }

    /// <summary>A manifest of the weights that each checkpoint should hold.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Manifest { get; set; }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        WeightManifest? manifest = ReadManifest();
        WeightVerdict verdict = Deep || manifest is not null
            ? PumpBytes("Testing", path, (begin, stop) => WeightTester.Test(path, Deep, manifest, begin, stop))
            : WeightTester.Test(path, cancellationToken: StopToken);
        WriteObject(verdict);
        if (verdict.Warning is string warning)
        {
            WriteVerbose($"{path}: {warning}");
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
            _manifest = (path, WeightManifest.Read(path, StopToken));
        }
        return _manifest?.Manifest;
    }
}
