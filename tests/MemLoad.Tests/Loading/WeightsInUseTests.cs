using System.Globalization;
using System.Runtime.CompilerServices;
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

    [Theory]
    [InlineData("cpu", Strategy.Stream)]
    [InlineData("cpu", Strategy.Mmap)]
    [InlineData("sim", Strategy.Stream)]
    public void A_view_outside_of_the_weights_is_refused_and_a_view_inside_is_read(string device, Strategy strategy)
    {
        string path = Written();
        using LoadedModel model = WeightLoader.Load(new LoadRequest { Path = path, Device = device, Strategy = strategy });
        TensorEntry whole = model.Weights.Tensors[0];
        TensorEntry[] outside =
        [
            whole with { Shape = [Elements + 1] },
            whole with { Shape = [Elements / 2, 3], Strides = [2, 1] },
            whole with { ElementOffset = 1 },
            whole with { ElementOffset = -1 },
            whole with { ElementOffset = long.MinValue },
            whole with { DType = DType.Float64 },
            whole with { Storage = 1 },
            whole with { Storage = -1 },
            whole with { Strides = [] },
        ];
        foreach (IWeightSource source in new IWeightSource[] { model.Weights, model.Prepared.Checkpoint })
        {
            Assert.All(outside, tensor => Assert.Throws<ArgumentException>(() => source.StreamElements(tensor, _ => { })));
            byte[] last = [];
            source.StreamElements(whole with { Shape = [1], ElementOffset = Elements - 1 }, piece => last = piece.ToArray());
            Assert.Equal(Read(source, null)[^4..], last);
        }
    }

    [Fact]
    public void A_tensor_of_the_file_is_refused_where_the_weights_are_cast_to_a_smaller_type()
    {
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest { Path = Written(), Device = "cpu", Strategy = Strategy.Stream, DType = DType.Float16 });

        Assert.Throws<ArgumentException>(() => model.Weights.StreamElements(model.Prepared.Checkpoint.Tensors[0], _ => { }));
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    public void Scattered_elements_are_copied_once(string device)
    {
        using LoadedModel model = WeightLoader.Load(
            new LoadRequest { Path = Fixtures.PathOf("layout/views_and_shared.pth"), Device = device, Strategy = Strategy.Stream });
        string[] scattered =
            [.. model.Weights.Tensors.Where(tensor => !tensor.IsContiguous).Select(tensor => tensor.Name)];

        Assert.NotEmpty(scattered);
        Assert.All(scattered, name => Assert.Equal(model.Weights[name], model.Weights[name]));
    }

    [SkippableTheory]
    [InlineData("cpu", Strategy.Stream)]
    [InlineData("cpu", Strategy.Mmap)]
    [InlineData("sim", Strategy.Stream)]
    public void A_tensor_of_weights_that_nothing_refers_to_stays_valid(string device, Strategy strategy)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Linux lists the mappings of a process");
        nint address = Forgotten(device, strategy);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Contains(File.ReadLines("/proc/self/maps"), line =>
        {
            nint[] range = [.. line.Split(' ')[0].Split('-').Select(end => nint.Parse(end, NumberStyles.HexNumber, null))];
            return range[0] <= address && address < range[1];
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private nint Forgotten(string device, Strategy strategy) =>
        WeightLoader.Load(new LoadRequest { Path = Written(), Device = device, Strategy = strategy }).Weights["a"].Address;

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
