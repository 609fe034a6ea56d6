using System.Collections.Immutable;

namespace MemLoad.Tests.Loading;

/// <summary>Models that are built in memory.</summary>
public sealed class ModelBuilderTests
{
    [Theory]
    [InlineData("cpu")]
    [InlineData("sim")]
    [InlineData("sim:unified")]
    public void A_model_that_is_larger_than_the_memory_of_the_host_is_refused_before_memory_is_touched(string name)
    {
        using IDevice device = DeviceRegistry.Open(name);

        MemLoadException problem = Assert.Throws<MemLoadException>(() => ModelBuilder.Build(new Enormous(), device));

        Assert.Equal("ML7005", problem.Rule.Id);
        Assert.Contains("the new model needs 1024.00 TiB", problem.Finding, StringComparison.Ordinal);
    }

    // A storage that is never filled, so that a model that is not refused uses no memory.
    private sealed class Enormous : IWeightSource
    {
        private const long Bytes = 1L << 50;

        public ImmutableArray<TensorEntry> Tensors { get; } = [new("t", DType.Int8, [Bytes], [1], 0, 0)];

        public ImmutableArray<long> StorageLengths { get; } = [Bytes];

        public void StreamStorage(int storage, ElementSink sink) => throw new InvalidOperationException("The storage is filled.");

        public void StreamElements(TensorEntry tensor, ElementSink sink) => throw new InvalidOperationException("The tensor is read.");
    }
}
