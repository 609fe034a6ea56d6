using System.Runtime.InteropServices;
using MemLoad.Tests.Measurement;

namespace MemLoad.Tests.Devices.Cuda;

/// <summary>
/// The variables that number the cards. The driver must get the values that this process has set, and they must not change.
/// </summary>
[Collection(QuietProcess.Name)] // other tests must not see the variables change
public sealed partial class CudaEnvironmentTests : IDisposable
{
    private const string Order = "CUDA_DEVICE_ORDER";
    private const string Visible = "CUDA_VISIBLE_DEVICES";

    private readonly string? _order = Environment.GetEnvironmentVariable(Order);
    private readonly string? _visible = Environment.GetEnvironmentVariable(Visible);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Order, _order);
        Environment.SetEnvironmentVariable(Visible, _visible);
        CudaEnvironment.Publish();
    }

    [SkippableFact]
    public void The_driver_sees_what_PowerShell_has_set()
    {
        Skip.If(OperatingSystem.IsWindows(), "on Windows a process has one environment");
        Environment.SetEnvironmentVariable(Order, "PCI_BUS_ID");
        Environment.SetEnvironmentVariable(Visible, "1,0");

        CudaEnvironment.Publish();

        Assert.Equal("PCI_BUS_ID", Marshal.PtrToStringUTF8(OfSystem(Order)));
        Assert.Equal("1,0", Marshal.PtrToStringUTF8(OfSystem(Visible)));

        Environment.SetEnvironmentVariable(Visible, null);
        CudaEnvironment.Publish();

        Assert.Equal("PCI_BUS_ID", Marshal.PtrToStringUTF8(OfSystem(Order)));
        Assert.Equal(0, OfSystem(Visible));
    }

    [Theory]
    [InlineData(Order, "PCI_BUS_ID")]
    [InlineData(Visible, "1")]
    public void A_variable_that_changed_since_the_driver_started_is_refused(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, null);
        CudaEnvironment.Publish();
        CudaEnvironment.RequireUnchanged();

        Environment.SetEnvironmentVariable(name, value);

        var refusal = Assert.Throws<MemLoadException>(CudaEnvironment.RequireUnchanged);
        Assert.Equal("ML7004", refusal.Rule.Id);
        Assert.StartsWith(
            $"{name} was '' when the CUDA driver started in this process, and is '{value}' now", refusal.Finding, StringComparison.Ordinal);
        Environment.SetEnvironmentVariable(name, null);
        CudaEnvironment.RequireUnchanged();
    }

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint OfSystem(string name);
}
