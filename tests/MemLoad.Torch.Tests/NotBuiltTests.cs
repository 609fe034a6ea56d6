namespace MemLoad.Torch.Tests;

/// <summary>Represents all tests of this project if TorchSharp is not built.</summary>
public sealed class NotBuiltTests
{
    private const string Reason =
        "left out by -p:Torch=none, or because there is no libtorch package for this system: linux-x64, win-x64, osx-arm64";

    // A part of the test's name, so that a plain run shows why the test was skipped.
    [Fact(DisplayName = "The TorchSharp devices (" + Reason + ")", Skip = Reason)]
    public void The_TorchSharp_devices()
    {
    }
}
