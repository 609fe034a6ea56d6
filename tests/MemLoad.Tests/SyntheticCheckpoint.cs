using System.Collections.Immutable;

namespace MemLoad.Tests;

/// <summary>Checkpoints without files, for what needs shapes only.</summary>
internal static class SyntheticCheckpoint
{
    /// <summary>The state dict of a model, one storage a tensor, in a file that need not exist.</summary>
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

    /// <summary>One-dimensional float32 tensors of these element counts.</summary>
    public static Checkpoint OfCounts(params long[] counts) =>
        Of(new ModelSpec("Model", [.. counts.Select((count, i) => new TensorSpec($"t{i}", DType.Float32, ImmutableArray.Create(count)))]));
}
