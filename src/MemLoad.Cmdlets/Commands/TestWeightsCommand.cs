namespace MemLoad.Commands;

/// <summary>Tests whether each checkpoint is sound, and returns the rule that it breaks if not.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Weights", DefaultParameterSetName = ParameterSets.Path)]
[OutputType(typeof(WeightVerdict), typeof(bool))]
public sealed class TestWeightsCommand : PathCmdlet
{
    private (string Path, WeightManifest Manifest)? _manifest;
    private MemLoadException? _manifestProblem;

    /// <summary>Reads all bytes: verifies checksums and scans the bytes of every tensor.</summary>
    [Parameter]
    public SwitchParameter Deep { get; set; }

    /// <summary>A manifest that each checkpoint must match.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? Manifest { get; set; }

    /// <summary>Opens a file that has objects other than tensors. They are left out, with the tensors in them, and no code runs.</summary>
    [Parameter]
    public SwitchParameter AllowOpaque { get; set; }

    /// <summary>Returns a Boolean per path instead of a verdict: whether the path is a sound checkpoint.</summary>
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    /// <inheritdoc/>
    protected override void ProcessPath(string path)
    {
        WeightManifest? manifest = ReadManifest();
        OpenLimits limits = OpenLimits.FromEnvironment() with { AllowOpaque = AllowOpaque };
        WeightVerdict verdict = Deep || manifest is not null
            ? PumpBytes("Testing", path, (begin, stop) => WeightTester.Test(path, limits, Deep, manifest, begin, stop))
            : WeightTester.Test(path, limits, false, null, null, StopToken);
        WriteObject(Quiet ? verdict.IsSound : verdict);
        if (verdict.Warning is not string warning)
        {
            return;
        }
        // New models have tensors of zeros and ones. NaN, Inf and trailing zeros are rarely intended in them.
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
        // As with Test-Path and Test-Connection, a missing file is False. A problem of the manifest stays an error.
        if (Quiet && problem is MemLoadException && problem != _manifestProblem)
        {
            WriteObject(false);
        }
        else
        {
            base.Fail(problem, target);
        }
    }

    // The manifest is read once for all checkpoints.
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
