namespace MemLoad.Torch.Tests;

/// <summary>Stands for all tests of this project where TorchSharp is not built.</summary>
public sealed class NotBuiltTests
{
    private const string Reason =
        "left out by -p:Torch=none, or because there is no libtorch package for this system: linux-x64, win-x64, osx-arm64";

    // Part of the test's name, so that a plain run says why it skipped it.
    [Fact(DisplayName = "The TorchSharp devices (" + Reason + ")", Skip = Reason)]
    public void The_TorchSharp_devices()
    {
    }
}
