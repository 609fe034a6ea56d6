using System.Runtime.InteropServices;
using MemLoad.PlayedCuda;

namespace MemLoad.Tests.Devices.Cuda;

/// <summary>The queries to the management library, and the results if it has no answer.</summary>
[Collection(PlayedCards.Collection)]
public sealed unsafe class NvmlTests
{
    private const long MiB = 1 << 20;
    private const int Refusal = 999;

    [ThreadStatic]
    private static long _others; // of a program that is watched

    [Fact]
    public void A_card_without_an_id_from_CUDA_is_found_by_its_place_on_the_bus()
    {
        using var played = new PlayedCards(new PlayedOptions { Cards = 2 }, Without("cuDeviceGetUuid_v2"));
        using CudaDevice device = played.Driver.OpenDevice(1, null);

        Assert.Equal("GPU-01010101-0101-0101-0101-010101010101", device.Identity!.Uuid);
        Assert.NotNull(Assert.Single(played.Driver.List(), status => status.Name == "cuda:1").FreeBytes);
        Assert.False(PlayedDriver.HasContext);
    }

    [Fact]
    public void A_card_without_an_id_from_both_libraries_has_none()
    {
        using var played = new PlayedCards(null, Without("cuDeviceGetUuid_v2", "nvmlDeviceGetUUID"));
        using CudaDevice device = played.Open();

        Assert.Null(device.Identity!.Uuid);
        Assert.Equal("", Assert.Single(played.Driver.Cards).Uuid);
    }

    [Fact]
    public void A_card_without_an_id_and_without_a_place_is_still_a_card()
    {
        using var played = new PlayedCards(null, Without("cuDeviceGetUuid_v2", "cuDeviceGetPCIBusId"));
        using CudaDevice device = played.Open();

        Assert.Equal(new DeviceIdentity("Played card", null, "570.86.15"), device.Identity);
        Assert.Null(device.DriverBytes);
        Assert.Null(Assert.Single(played.Driver.List()).FreeBytes);
    }

    [Fact]
    public void A_part_of_a_split_card_is_found_by_its_own_id()
    {
        var library = new Nvml(name => name == "nvmlDeviceGetHandleByUUID" ? (nint)(delegate* unmanaged<byte*, nint*, int>)&FindPart : 0);

        GraphicsCard? part = library.Find(new Guid(0x01020304, 0x0506, 0x0708, 9, 10, 11, 12, 13, 14, 15, 16), "");

        Assert.Equal(new GraphicsCard(77, "MIG-01020304-0506-0708-090a-0b0c0d0e0f10"), part);
        Assert.Null(library.Find(Guid.Empty, ""));
    }

    [Fact]
    public void A_library_that_does_not_report_processes_leaves_their_memory_unknown()
    {
        using var played = new PlayedCards(
            null, name => name == "nvmlDeviceGetComputeRunningProcesses_v3" ? 0 : PlayedDriver.Resolve(name));
        using CudaDevice device = played.Open();
        using MemoryBuffer block = device.Allocate(40 * MiB);

        Assert.Null(device.DriverBytes);
        Assert.Equal(40 * MiB, device.PeakCardBytes);
    }

    [Fact]
    public void A_watch_keeps_the_peak_of_a_program_after_the_program_releases_the_memory()
    {
        using var played = new PlayedCards(new PlayedOptions { TotalBytes = 1000 * MiB, OthersBytes = 0 });
        using CudaDevice watched = played.Open();
        CardWatch watch = watched.Watch()!;
        Assert.False(PlayedDriver.HasContext);
        Assert.Equal(0, watch.Sample([Environment.ProcessId]));
        Assert.Equal((0, null), (watch.PeakBytes, watch.PeakOfProcesses));

        using CudaDevice program = played.Open();
        using (MemoryBuffer kept = program.Allocate(20 * MiB))
        {
            Assert.Equal(320 * MiB, watch.Sample([Environment.ProcessId])); // with the context
            Assert.Equal((320 * MiB, 320 * MiB), (watch.PeakBytes, watch.PeakOfProcesses));
            using (MemoryBuffer more = program.Allocate(100 * MiB))
            {
                Assert.Equal(420 * MiB, watch.Sample([Environment.ProcessId]));
                Assert.Equal((420 * MiB, 420 * MiB), (watch.PeakBytes, watch.PeakOfProcesses));
            }
        }
        program.Dispose();

        Assert.Equal(0, watch.Sample([Environment.ProcessId]));
        Assert.Equal((420 * MiB, 420 * MiB), (watch.PeakBytes, watch.PeakOfProcesses));
    }

    [Fact]
    public void Memory_that_other_programs_release_does_not_make_the_use_negative()
    {
        _others = 300 * MiB;
        var library = new Nvml(name => name == "nvmlDeviceGetMemoryInfo" ? (nint)(delegate* unmanaged<nint, long*, int>)&GetMemory : 0);
        var watch = new CardWatch(library, new GraphicsCard(1, ""), library.FreeBytes(new GraphicsCard(1, ""))!.Value);

        _others = 100 * MiB;

        Assert.Equal(0, watch.Sample([1]));
        Assert.Equal((0, null), (watch.PeakBytes, watch.PeakOfProcesses));
        _others = 350 * MiB;
        Assert.Equal(50 * MiB, watch.Sample([1]));
        Assert.Equal(50 * MiB, watch.PeakBytes);
    }

    [Fact]
    public void A_card_without_memory_figures_is_not_watched()
    {
        using var played = new PlayedCards(null, Without("nvmlDeviceGetMemoryInfo"));
        using CudaDevice device = played.Open();

        Assert.Null(device.Watch());
    }

    // The played driver, some of whose functions fail.
    private static Func<string, nint> Without(params string[] names) => name => !names.Contains(name) ? PlayedDriver.Resolve(name)
        : (nint)(delegate* unmanaged<nint, nint, nint, int>)&Refuse;

    [UnmanagedCallersOnly]
    private static int Refuse(nint first, nint second, nint third) => Refusal;

    [UnmanagedCallersOnly]
    private static int FindPart(byte* uuid, nint* handle)
    {
        *handle = 77;
        return Marshal.PtrToStringUTF8((nint)uuid) == "MIG-01020304-0506-0708-090a-0b0c0d0e0f10" ? 0 : Refusal;
    }

    [UnmanagedCallersOnly]
    private static int GetMemory(nint card, long* totalFreeUsed)
    {
        totalFreeUsed[0] = 1000 * MiB;
        totalFreeUsed[1] = (1000 * MiB) - _others;
        totalFreeUsed[2] = _others;
        return 0;
    }
}
