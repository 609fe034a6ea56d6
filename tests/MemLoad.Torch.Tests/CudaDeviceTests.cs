namespace MemLoad.Torch.Tests;

/// <summary>
/// The code of <c>torch:cuda:N</c> around the driver, with a card that is simulated in host memory. The part of the driver needs a card.
/// </summary>
[Collection(LibTorchHere.Collection)]
public sealed class CudaDeviceTests
{
    [NeedsFact(typeof(LibTorchHere), DisplayName = "A full card is ML7002, with its free memory")]
    public void A_full_card_is_an_error_with_its_free_memory()
    {
        using var device = new TorchCudaDevice(new PlayedCard { FailFrom = 2000 }, 3, null);
        using MemoryBuffer first = device.Allocate(1000);

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => device.Allocate(2000));

        Assert.Equal("ML7002", refusal.Rule.Id);
        Assert.Contains(
            $"tried to allocate 2000 bytes; torch:cuda:3 (a card played by host memory) has {1L << 34} bytes, {(1L << 34) - 1000} are free",
            refusal.Message,
            StringComparison.Ordinal);
        Assert.Equal(1024, device.Memory.Allocated);
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "A limit below the memory of the card is enforced")]
    public void A_limit_below_the_memory_of_the_card_is_enforced_by_libtorch()
    {
        using var device = new TorchCudaDevice(new PlayedCard(), 0, limitBytes: 4 << 20);

        Assert.Equal(4 << 20, device.CapacityBytes);
        Assert.Equal("ML7002", Assert.Throws<MemLoadException>(() => device.Allocate(5 << 20)).Rule.Id);
        Assert.Equal(4 << 20, device.FreeBytes);
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "Memory that libtorch keeps of a removed model is free for the next one")]
    public void Memory_that_libtorch_keeps_of_a_removed_model_is_free_for_the_next_one()
    {
        var card = new PlayedCard(totalBytes: 64 << 20);
        using (var device = new TorchCudaDevice(card, 0, null))
        {
            using MemoryBuffer block = device.Allocate(40 << 20);
            card.ReservedBytes = 40 << 20;
            Assert.Equal(24 << 20, device.FreeBytes);
        }

        // The driver still counts the cache as used.
        using var next = new TorchCudaDevice(card, 0, null);
        Assert.Equal(24 << 20, card.FreeBytes);
        Assert.Equal(64 << 20, next.FreeBytes);
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "Fresh weights on a card are filled, run and read back")]
    public void Fresh_weights_on_a_card_are_filled_run_and_read_back()
    {
        var config = new GptConfig(64, 16, 32, 2, 4);
        var source = new GptInitializer(config, seed: 7);
        using var device = new TorchCudaDevice(new PlayedCard(), 0, null);
        using LoadedWeights weights = ModelBuilder.Build(source, device);
        using LoadedWeights here = ModelBuilder.Build(source, new HostDevice());

        Assert.Equal(WeightsDigest.Of(here), WeightsDigest.Of(weights));
        float[] expected = new GptModel(config, name => here[name]).Forward([1, 2]);
        Assert.All(expected.Zip(device.BuildGpt(config, weights).Forward([1, 2])), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        // The host reads a copy, which is freed when the view is closed.
        Assert.Equal(expected, new GptModel(config, name => weights[name]).Forward([1, 2]));
        Assert.True(weights.CloseViews());
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "A card is closed with the last block, which a reader can hold")]
    public void A_card_is_closed_with_the_last_block_which_a_reader_can_hold()
    {
        var card = new PlayedCard();
        var device = new TorchCudaDevice(card, 0, null);
        byte[] content = [1, 2, 3, 4];
        MemoryBuffer block = device.Allocate(content.Length);
        block.Write(0, content);
        block.AddReference();

        block.Dispose();
        device.Dispose();
        device.Dispose();

        byte[] read = new byte[content.Length];
        block.Read(0, read);
        Assert.Equal(content, read);
        Assert.Throws<ObjectDisposedException>(() => device.Allocate(1));
        Assert.False(card.Disposed);
        block.Release();
        Assert.True(card.Disposed);
        Assert.Equal(0, card.OpenStreams);
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "A missing card is refused in one sentence")]
    public void A_card_that_is_not_there_is_refused()
    {
        MemLoadException refusal = Assert.Throws<MemLoadException>(() => DeviceRegistry.Open("torch:cuda:97"));

        Assert.Equal("ML7004", refusal.Rule.Id);
        Assert.Contains("torch:cuda:97", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }
}
