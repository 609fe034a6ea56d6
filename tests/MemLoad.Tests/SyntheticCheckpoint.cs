using System.Collections.Immutable;

namespace MemLoad.Tests;

/// <summary>Checkpoints without files, for tests that need only shapes.</summary>
internal static class SyntheticCheckpoint
{
    /// <summary>Returns the state dict of a model with one storage per tensor, in a file that need not exist.</summary>
    public static Checkpoint Of(ModelSpec model)
    {
        var builder = new CheckpointBuilder("/nowhere/model.pth", CheckpointFormat.TorchZip);
        int file = builder.AddFile(
            "/nowhere/model.pth", model.Tensors.Sum(tensor => ShapeMath.ElementCount(tensor.Shape) * tensor.DType.ElementSize()));
        long offset = 0;
        foreach (TensorSpec tensor in model.Tensors)
        {
            long bytes = ShapeMath.ElementCount(tensor.Shape) * tensor.DType.ElementSize();
            int storage = builder.AddStorage(file, offset, bytes);
            offset += bytes;
            builder.AddTensor(
                new TensorEntry(tensor.Name, tensor.DType, tensor.Shape, ShapeMath.ContiguousStrides(tensor.Shape), storage, 0));
        }
        return builder.Build();
    }

    public static Checkpoint Gpt(string size) => Of(GptConfig.FromSize(size).ToSpec());

    /// <summary>Returns one-dimensional float32 tensors with these element counts.</summary>
    public static Checkpoint OfCounts(params long[] counts) =>
        Of(new ModelSpec("Model", [.. counts.Select((count, i) => new TensorSpec($"t{i}", DType.Float32, ImmutableArray.Create(count)))]));
}
