using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Loading;

/// <summary>
/// Weights that are disposed on one thread while another uses them. The user sees the old weights to the end, and the process continues.
/// </summary>
public sealed class WeightsInUseTests : IDisposable
{
    private const int Elements = 1 << 20;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cpu", Strategy.Stream)]
    [InlineData("cpu", Strategy.Mmap)]
    [InlineData("sim", Strategy.Stream)]
    public void Weights_stay_until_they_are_streamed(string device, Strategy strategy)
    {
        string path = Written();
        byte[] expected = Read(Checkpoint.Open(path), null);
        LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Device = device, Strategy = strategy });

        byte[] actual = Read(model.Weights, model.Dispose);

        Assert.Equal(expected, actual);
        Assert.Throws<ObjectDisposedException>(() => Read(model.Weights, null));
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void Weights_stay_until_they_are_overwritten(string device)
    {
        string path = Written();
        Checkpoint checkpoint = Checkpoint.Open(path);
        for (int i = 0; i < 20; i++)
        {
            LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Device = device, Strategy = Strategy.Stream });
            var remover = new Thread(model.Dispose);
            remover.Start();
            try
            {
                WeightRefill.Run(model.Weights, checkpoint, model.Prepared.Device);
            }
            catch (ObjectDisposedException)
            {
                // The weights were disposed before the use began.
            }
            remover.Join();
        }
    }

    [Fact]
    public void A_failed_mapping_is_tried_again_and_not_used()
    {
        using var device = new SimulatedDevice();
        using var weights = LoadedWeights.Of(
            [new TensorEntry("a", DType.UInt8, [4], [1], 0, 0)], [4], [new NeverMapped(4)], [new Placement(0, 0)], device);

        Assert.Throws<MemLoadException>(() => weights["a"]);
        Assert.Throws<MemLoadException>(() => weights["a"]);
    }

    private sealed class NeverMapped(long length) : MemoryBuffer(length)
    {
        public override void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public override void Read(long offset, Span<byte> destination) => throw new NotSupportedException();

        public override HostView MapForHost() => throw Rules.HostMemoryExhausted.Broken("no address is left");

        protected override void Dispose(bool disposing)
        {
        }
    }

    private static byte[] Read(IWeightSource weights, Action? afterFirst)
    {
        using var all = new MemoryStream();
        weights.StreamElements(weights.Tensors[0], piece =>
        {
            if (all.Length == 0 && afterFirst is not null)
            {
                var remover = new Thread(() => afterFirst());
                remover.Start();
                remover.Join();
            }
            all.Write(piece);
        });
        return all.ToArray();
    }

    private string Written()
    {
        CheckpointWriter.Write(
            new MemorySource().Add("a", DType.Float32, Elements), _folder["x.safetensors"], CheckpointFormat.Safetensors);
        return _folder["x.safetensors"];
    }
}
