using System.Runtime.InteropServices;
using MemLoad.PlayedCuda;

namespace MemLoad.Tests.Devices.Cuda;

/// <summary>The resources that <c>cuda:N</c> requests from the driver and releases, and its errors when the driver refuses.</summary>
[Collection(PlayedCards.Collection)]
public sealed unsafe class CudaDeviceTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_full_card_is_ML7002_with_its_free_memory()
    {
        using var played = new PlayedCards(new PlayedOptions { TotalBytes = 500 * MiB });
        using CudaDevice device = played.Open();
        using MemoryBuffer first = device.Allocate(60 * MiB);

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => device.Allocate(60 * MiB));

        Assert.Equal("ML7002", refusal.Rule.Id);
        Assert.Contains(
            $"a segment of {60 * MiB} bytes; cuda:0 (Played card) has {500 * MiB} bytes, {40 * MiB} are free",
            refusal.Message,
            StringComparison.Ordinal);
        using MemoryBuffer other = device.Allocate(40 * MiB);
        Assert.Equal(100 * MiB, device.Memory.Allocated);
    }

    [Fact]
    public void Cached_memory_is_released_before_a_card_is_out_of_memory()
    {
        using var played = new PlayedCards(new PlayedOptions { TotalBytes = 500 * MiB });
        using CudaDevice device = played.Open();
        device.Allocate(60 * MiB).Dispose();
        Assert.Equal(60 * MiB, device.Memory.Reserved);

        using MemoryBuffer larger = device.Allocate(90 * MiB);

        Assert.Equal(90 * MiB, device.Memory.Reserved);
    }

    [Fact]
    public void A_limit_below_the_memory_of_the_card_is_enforced()
    {
        using var played = new PlayedCards();
        using CudaDevice device = played.Open(limitBytes: 4 * MiB);

        Assert.Equal(4 * MiB, device.CapacityBytes);
        Assert.Equal(4 * MiB, device.FreeBytes);
        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => device.Allocate(5 * MiB)).Rule.Id);
    }

    [Fact]
    public void Memory_of_other_processes_is_not_free_and_a_forecast_creates_no_context()
    {
        using var played = new PlayedCards(new PlayedOptions { TotalBytes = 1000 * MiB, OthersBytes = 400 * MiB });
        using CudaDevice device = played.Open();

        Assert.Equal(600 * MiB, device.FreeBytes);
        Assert.Null(device.PeakCardBytes);
        DeviceStatus status = Assert.Single(played.Driver.List());

        Assert.Equal(600 * MiB, status.FreeBytes);
        Assert.Equal("Played card, 1000.0 MiB, driver 570.86.15, CUDA 12.8", status.Details);
        Assert.False(PlayedDriver.HasContext);

        // If there is a context, the driver answers, and the memory of the context is not free.
        using MemoryBuffer block = device.Allocate(30 * MiB);
        Assert.Equal(270 * MiB, device.FreeBytes);
        Assert.Equal(30 * MiB, device.PeakCardBytes);
    }

    [Fact]
    public void Without_the_management_library_the_driver_gives_the_figures()
    {
        using var played = new PlayedCards(new PlayedOptions { TotalBytes = 1000 * MiB },
            name => name.StartsWith("nvml", StringComparison.Ordinal) ? 0 : PlayedDriver.Resolve(name));
        using CudaDevice device = played.Open();

        Assert.Equal(600 * MiB, device.FreeBytes);
        Assert.Null(device.DriverBytes);
        Assert.Equal(new DeviceIdentity("Played card", "GPU-00000000-0000-0000-0000-000000000000", null), device.Identity);
        Assert.Equal("Played card, 1000.0 MiB, CUDA 12.8", Assert.Single(played.Driver.List()).Details);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_memory_of_the_process_is_that_of_the_driver_or_unknown(bool known)
    {
        using var played = new PlayedCards(new PlayedOptions { KnowsProcess = known });
        using CudaDevice device = played.Open();
        using MemoryBuffer block = device.Allocate(40 * MiB);

        Assert.Equal(known ? 340 * MiB : null, device.DriverBytes);
        Assert.Equal(40 * MiB, device.PeakCardBytes);
    }

    [Fact]
    public void Cards_are_known_by_their_ids_because_the_management_library_has_another_order()
    {
        using var played = new PlayedCards(new PlayedOptions { Cards = 3 });
        using CudaDevice device = played.Driver.OpenDevice(2, null);

        Assert.Equal("cuda:2", device.Name);
        Assert.Equal("GPU-02020202-0202-0202-0202-020202020202", device.Identity!.Uuid);
        Assert.Equal("570.86.15", device.Identity.DriverVersion);
    }

    [Fact]
    public void A_missing_card_is_refused_and_the_existing_cards_are_named()
    {
        using var played = new PlayedCards(new PlayedOptions { Cards = 2 });

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => played.Driver.OpenDevice(2, null));

        Assert.Equal("ML7004", refusal.Rule.Id);
        Assert.StartsWith(
            "there is no 'cuda:2': the CUDA driver offers 2 cards, cuda:0 to cuda:1", refusal.Finding, StringComparison.Ordinal);
    }

    [Fact]
    public void The_context_that_a_thread_had_is_current_again_after_each_call()
    {
        using var played = new PlayedCards(new PlayedOptions { Cards = 2 });
        using CudaDevice device = played.Open();
        using var other = new CudaContext(played.Driver.Functions, played.Driver.Cards[1]);
        nint context;
        Assert.Equal(0, played.Driver.Functions.RetainContext(&context, 1));
        Assert.Equal(0, played.Driver.Functions.PushContext(context));

        using (MemoryBuffer block = device.Allocate(1000))
        {
            block.Write(0, new byte[1000]);
            block.Read(0, new byte[1000]);
            _ = device.FreeBytes;
        }

        nint current;
        Assert.Equal(1, PlayedDriver.ContextsOfThread);
        Assert.Equal(0, played.Driver.Functions.PopContext(&current));
        Assert.Equal(context, current);
        Assert.Equal(0, played.Driver.Functions.ReleaseContext(1));
    }

    [Fact]
    public void A_device_that_cannot_create_all_its_streams_releases_those_it_has()
    {
        using var played = new PlayedCards(new PlayedOptions { Streams = StagingRing.Slots - 1 });
        using CudaDevice device = played.Open();

        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => device.Allocate(1)).Rule.Id);
        Assert.Empty(PlayedDriver.Leaks());
    }

    [Fact]
    public void A_card_without_memory_for_a_context_is_ML7002()
    {
        using var played = new PlayedCards(new PlayedOptions { TotalBytes = 350 * MiB });
        using CudaDevice device = played.Open();

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => device.Allocate(1));

        Assert.Equal("ML7002", refusal.Rule.Id);
        Assert.Contains("could not create a context on 'cuda:0': CUDA_ERROR_OUT_OF_MEMORY", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_is_kept_until_its_last_block_is_released()
    {
        using var played = new PlayedCards();
        CudaDevice device = played.Open();
        MemoryBuffer block = device.Allocate(1000);
        device.Dispose();
        block.Write(0, [1, 2, 3]);
        byte[] read = new byte[3];
        block.Read(0, read);

        Assert.Equal([1, 2, 3], read);
        Assert.NotEmpty(PlayedDriver.Leaks());
        block.Dispose();
    }

    [Fact]
    public void A_driver_that_would_use_host_memory_gets_no_request_above_the_free_memory()
    {
        using var played = new PlayedCards(new PlayedOptions { TotalBytes = 500 * MiB });
        using var device = new CudaDevice(played.Driver, played.Driver.Cards[0], null, checksFreeMemory: true);

        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => device.Allocate(101 * MiB)).Rule.Id);
        Assert.Equal(0, PlayedDriver.PeakAllocated);
    }

    [Theory]
    [InlineData(true, false, 60, true)]
    [InlineData(true, false, 62, false)]
    [InlineData(false, false, 62, true)] // the driver itself refuses
    [InlineData(true, true, 62, true)] // reclaimable memory of the computer is not free yet
    public void Free_memory_is_queried_only_if_the_driver_would_use_host_memory(
        bool checks, bool isIntegrated, int mebibytes, bool fits)
    {
        using var played = new PlayedCards(new PlayedOptions { IsIntegrated = isIntegrated },
            name => name == "cuMemGetInfo_v2" ? (nint)(delegate* unmanaged<nuint*, nuint*, int>)&SixtyAreFree : PlayedDriver.Resolve(name));
        using var device = new CudaDevice(played.Driver, played.Driver.Cards[0], null, checks);
        if (!fits)
        {
            Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => device.Allocate(mebibytes * MiB)).Rule.Id);
            Assert.Equal(0, PlayedDriver.PeakAllocated);
            return;
        }

        using MemoryBuffer block = device.Allocate(mebibytes * MiB);

        Assert.Equal(mebibytes * MiB, PlayedDriver.PeakAllocated);
    }

    [Fact]
    public void A_card_that_fails_during_an_allocation_is_not_reported_as_out_of_memory()
    {
        using var played = new PlayedCards(null, name => name == "cuMemAlloc_v2"
            ? (nint)(delegate* unmanaged<ulong*, nuint, int>)&FailToAllocate : PlayedDriver.Resolve(name));
        using CudaDevice device = played.Open();

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => device.Allocate(1000));

        Assert.Equal("ML7008", refusal.Rule.Id);
        Assert.Contains("could not allocate memory on 'cuda:0'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_that_need_a_card_at_the_same_time_create_one_context()
    {
        using var played = new PlayedCards(null, name => name == "cuDevicePrimaryCtxRetain"
            ? (nint)(delegate* unmanaged<nint*, int, int>)&RetainLate : PlayedDriver.Resolve(name));
        CudaDevice device = played.Open();
        using var together = new Barrier(4);
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            together.SignalAndWait();
            device.Start();
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.Contains("a context with 1 holders", PlayedDriver.Leaks());
        device.Dispose();
        Assert.Empty(PlayedDriver.Leaks());
    }

    [Fact]
    public void Memory_that_a_failed_card_cannot_pin_is_released()
    {
        using var host = new HostMemory();
        MemoryBuffer memory = host.Allocate(1 << 20);

        Assert.Throws<TimeoutException>(() => PinnedMemory.Of(memory, (_, _) => throw new TimeoutException(), _ => { }, out _));

        Assert.Throws<ObjectDisposedException>(memory.AddReference);
    }

    [Fact]
    public void A_card_with_the_memory_of_the_computer_counts_toward_its_limits()
    {
        using var played = new PlayedCards(
            new PlayedOptions
            {
                IsIntegrated = true,
                TotalBytes = 1000 * MiB,
                OthersBytes = 900 * MiB,
                ContextBytes = 0,
            });
        using CudaDevice device = played.Open();

        Assert.True(device.ReservesSharedMemory);
        // The driver does not count reclaimable memory as free, and the limits of the computer do.
        Assert.Equal(1000 * MiB, device.FreeBytes);
        DeviceStatus status = Assert.Single(played.Driver.List());
        Assert.Contains("of the computer's own memory", status.Details, StringComparison.Ordinal);
        Assert.Null(status.FreeBytes);
    }

    [Fact]
    public void A_model_on_a_card_runs_on_the_host()
    {
        var config = new GptConfig(64, 16, 32, 2, 4);
        var source = new GptInitializer(config, seed: 7);
        using var played = new PlayedCards();
        using CudaDevice device = played.Open();
        using LoadedWeights weights = ModelBuilder.Build(source, device);
        using LoadedWeights here = ModelBuilder.Build(source, new HostDevice());

        Assert.Equal(WeightsDigest.Of(here), WeightsDigest.Of(weights));
        float[] expected = new GptModel(config, name => here[name]).Forward([1, 2]);
        Assert.Equal(expected, ((IDevice)device).BuildGpt(config, weights).Forward([1, 2]));
        // The host reads a copy, which is freed when the view is closed.
        Assert.True(weights.CloseViews());
    }

    [UnmanagedCallersOnly]
    private static int SixtyAreFree(nuint* free, nuint* total)
    {
        *free = (nuint)(60 * MiB);
        *total = unchecked((nuint)(16L << 30));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int FailToAllocate(ulong* address, nuint bytes) => 214; // CUDA_ERROR_ECC_UNCORRECTABLE

    // The delay is so long that other threads wait for the context.
    [UnmanagedCallersOnly]
    private static int RetainLate(nint* context, int device)
    {
        Thread.Sleep(100);
        return ((delegate* unmanaged<nint*, int, int>)PlayedDriver.Resolve("cuDevicePrimaryCtxRetain"))(context, device);
    }
}
