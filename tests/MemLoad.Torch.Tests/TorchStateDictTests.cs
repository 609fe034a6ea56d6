using System.Collections.Immutable;
using System.Runtime.InteropServices;
using TorchSharp;

namespace MemLoad.Torch.Tests;

/// <summary>Views that no fixture has.</summary>
[Collection(LibTorchHere.Collection)]
public sealed class TorchStateDictTests
{
    private static readonly float[] Numbers = [1, -2, 3, -4];

    [NeedsFact(typeof(LibTorchHere), DisplayName = "Negated and conjugated views have the values of PyTorch")]
    public void Negated_and_conjugated_views_have_the_values_of_PyTorch()
    {
        using var device = new TorchCpuDevice();
        using LoadedWeights weights = Build(
            device,
            16,
            View("negated", DType.Float32, 4, LazyView.Negative),
            View("conjugated", DType.Complex64, 2, LazyView.Conjugate),
            View("both", DType.Complex64, 2, LazyView.Conjugate | LazyView.Negative),
            View("plain", DType.Float32, 4));
        TorchStateDict tensors = weights.AsTorch();

        foreach (TensorEntry tensor in weights.Tensors)
        {
            var expected = new List<byte>();
            weights.StreamElements(tensor, elements => expected.AddRange(elements));
            Assert.Equal(expected, LibTorchHere.BytesOf(tensors[tensor.Name]));
            Assert.Same(tensors[tensor.Name], tensors[tensor.Name]);
        }
        Assert.Equal([-1f, 2f, -3f, 4f], tensors["negated"].data<float>().ToArray());
    }

    [NeedsFact(typeof(LibTorchHere), DisplayName = "Views of several types share one storage of any length")]
    public void Views_of_several_types_share_one_storage()
    {
        using var device = new TorchCpuDevice();
        // 14 bytes, which are not a whole number of float32 elements.
        using LoadedWeights weights = Build(
            device, 14, View("floats", DType.Float32, 3), View("halves", DType.Float16, 7), View("bytes", DType.UInt8, 14));
        TorchStateDict tensors = weights.AsTorch();

        using DisposeScope scope = torch.NewDisposeScope();
        tensors["bytes"].zero_();

        Assert.Equal(0f, tensors["floats"][2].ToSingle());
        Assert.Equal(TensorMemory.AddressOf(tensors["floats"]), TensorMemory.AddressOf(tensors["halves"]));
    }

    [NeedsFact(
        typeof(LibTorchHere),
        DisplayName = "A type that TorchSharp does not have is loaded, and is refused when a tensor of it is requested")]
    public void A_type_that_TorchSharp_does_not_have_is_refused_when_requested()
    {
        using var device = new TorchCpuDevice();
        using LoadedWeights weights = Build(device, 16, View("eight", DType.Float8E4M3FN, 16), View("known", DType.Int32, 4));

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => weights.AsTorch()["eight"]);

        Assert.Equal("ML7020", refusal.Rule.Id);
        Assert.Contains("float8_e4m3fn", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(4, weights.AsTorch()["known"].numel());
        Assert.Throws<KeyNotFoundException>(() => weights.AsTorch()["unknown"]);
    }

    private static TensorEntry View(string name, DType dtype, long count, LazyView lazy = LazyView.None) =>
        new(name, dtype, [count], [1], 0, 0, lazy);

    private static LoadedWeights Build(TorchCpuDevice device, int bytes, params TensorEntry[] tensors) =>
        ModelBuilder.Build(new OneStorage(MemoryMarshal.AsBytes<float>(Numbers)[..bytes].ToArray(), [.. tensors]), device);

    private sealed class OneStorage(byte[] content, ImmutableArray<TensorEntry> tensors) : IWeightSource
    {
        public ImmutableArray<TensorEntry> Tensors => tensors;

        public ImmutableArray<long> StorageLengths => [content.Length];

        public void StreamElements(TensorEntry tensor, ElementSink sink) => throw new NotSupportedException();

        public void StreamStorage(int storage, ElementSink sink) => sink(content);
    }
}
