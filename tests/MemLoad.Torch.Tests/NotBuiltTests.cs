namespace MemLoad.Torch.Tests;

/// <summary>Stands for all tests of this project where TorchSharp is not built.</summary>
public sealed class NotBuiltTests
{
    private const string Reason = "needs TorchSharp: dotnet test tests/MemLoad.Torch.Tests -p:Torch=cpu, or ./build.ps1 -Task Test -Torch cpu";

    // Part of the test's name, so that a plain run says why it skipped it.
    [SkippableFact(DisplayName = "The TorchSharp devices (" + Reason + ")")]
    public void The_TorchSharp_devices() => Skip.If(true, Reason);
}
