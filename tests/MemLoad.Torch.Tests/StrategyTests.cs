using System.Text.Json;

namespace MemLoad.Torch.Tests;

[Collection(LibTorchHere.Collection)]
public sealed class StrategyTests
{
    public static TheoryData<string> Loadable
    {
        get
        {
            var data = new TheoryData<string>(); // nothing to load is refused
            foreach (string name in Fixtures.All)
            {
                if (!Checkpoint.Open(Fixtures.PathOf(name)).Tensors.IsEmpty)
                {
                    data.Add(name);
                }
            }
            return data;
        }
    }

    [NeedsTheory(typeof(LibTorchHere), DisplayName = "torch:cpu: every strategy loads what cpu loads, and libtorch has these tensors")]
    [MemberData(nameof(Loadable))]
    public void Every_strategy_gives_the_tensors_of_PyTorch_bit_for_bit(string name)
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));
        foreach (Strategy strategy in Strategies.All)
        {
            if (strategy == Strategy.Mmap && checkpoint.Storages.Any(storage => storage.IsInChunks))
            {
                continue; // refused before the load
            }
            using IDevice device = DeviceRegistry.Open("torch:cpu");
            LoadPlan plan = LoadPlan.Create(strategy, checkpoint, device);
            using (LoadedWeights weights = PlanRunner.Run(plan, device))
            {
                Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(weights));
                AssertTensors(Fixtures.Expected(name), weights);
            }
            Assert.Equal(0, TensorMemory.HeldCount);
        }
    }

    [NeedsTheory(
        typeof(LibTorchHere),
        DisplayName = "torch:cuda, simulated by host memory: every strategy loads the same weights at the forecast cost")]
    [MemberData(nameof(Loadable))]
    public void Every_strategy_to_a_card_gives_the_same_tensors_at_the_forecast_cost(string name)
    {
        var checkpoint = Checkpoint.Open(Fixtures.PathOf(name));
        foreach (Strategy strategy in Strategies.All)
        {
            if (strategy == Strategy.Mmap && checkpoint.Storages.Any(storage => storage.IsInChunks))
            {
                continue; // refused before the load
            }
            var card = new PlayedCard();
            using (var device = new TorchCudaDevice(card, 0, null))
            {
                LoadPlan plan = LoadPlan.Create(strategy, checkpoint, device, ringBytes: 32 << 10);
                using (LoadedWeights weights = PlanRunner.Run(plan, device))
                {
                    Assert.Equal(WeightsDigest.Of(checkpoint), WeightsDigest.Of(weights));
                    AssertTensors(Fixtures.Expected(name), weights);
                    Assert.Equal(Forecasts.Of(plan, device).Device, device.Memory);
                    Assert.Equal(plan.Steps.Count(step => step is { Kind: StepKind.Allocate, Storage: < 0 }), card.PinCount); // per ring
                    Assert.Equal(0, card.PinnedNow);
                }
                Assert.Equal(0, device.Memory.Allocated);
                Assert.Equal(0, card.AllocatedBytes);
            }
            Assert.InRange(card.MostCopiesAtOnce, 0, 2);
            Assert.Equal(0, card.OpenStreams);
            Assert.True(card.Disposed);
        }
    }

    [NeedsTheory(typeof(LibTorchHere), DisplayName = "A cast during a load gives the same on devices of libtorch as on cpu")]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float16)]
    public void A_cast_during_a_load_gives_the_same_as_on_cpu(DType dtype)
    {
        var checkpoint = LoadView.Of(Checkpoint.Open(Fixtures.PathOf("tiny/fp32.pth")), dtype);
        foreach (Strategy strategy in Strategies.All)
        {
            using IDevice cpu = DeviceRegistry.Open("cpu");
            using IDevice torchCpu = DeviceRegistry.Open("torch:cpu");
            using IDevice card = new TorchCudaDevice(new PlayedCard(), 0, null);
            using LoadedWeights expected = PlanRunner.Run(LoadPlan.Create(strategy, checkpoint, cpu), cpu);
            foreach (IDevice device in (IDevice[])[torchCpu, card])
            {
                using LoadedWeights weights = PlanRunner.Run(LoadPlan.Create(strategy, checkpoint, device, ringBytes: 32 << 10), device);
                Assert.Equal(WeightsDigest.Of(expected), WeightsDigest.Of(weights));
                Assert.Equal(TorchTypes.Of(dtype), weights.AsTorch()["out_head.weight"].dtype);
            }
        }
    }

    private static void AssertTensors(JsonElement expected, LoadedWeights weights)
    {
        TorchStateDict tensors = weights.AsTorch();
        var addresses = new Dictionary<long, nint>();
        foreach (JsonElement tensor in expected.GetProperty("tensors").EnumerateArray())
        {
            string name = tensor.GetProperty("name").GetString()!;
            TensorEntry entry = weights.Tensors.Single(other => other.Name == name);
            if (TorchTypes.Of(entry.DType) is null)
            {
                Assert.Equal("ML7020", Assert.Throws<MemLoadException>(() => tensors[name]).Rule.Id);
                continue;
            }
            Assert.Equal(tensor.GetProperty("sha256").GetString(), LibTorchHere.HashOf(tensors[name]));
            Assert.Equal(tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()), tensors[name].shape);
            Assert.Equal(TorchTypes.Of(entry.DType), tensors[name].dtype);
            if (tensors[name].numel() == 0 || entry.LazyView.HasFlag(LazyView.Negative))
            {
                continue;
            }
            Assert.Equal(entry.Strides, tensors[name].stride());
            // Tied storages stay tied. The first elements of views of one storage have the same distance as in the file.
            nint start = TensorMemory.AddressOf(tensors[name]) - (nint)entry.ByteOffset;
            Assert.Equal(addresses.TryAdd(entry.Storage, start) ? start : addresses[entry.Storage], start);
        }
    }
}
