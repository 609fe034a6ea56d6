namespace MemLoad;

/// <summary>
/// A tensor that a model expects: a parameter or a buffer, such as a causal mask. An optimizer does not train a buffer, but a load must
/// fill it.
/// </summary>
internal sealed record TensorSpec(string Name, DType DType, ImmutableArray<long> Shape, bool IsBuffer = false);

/// <summary>A model without memory. PyTorch calls it a model on the meta device.</summary>
/// <param name="Name">The model class, used in messages as in PyTorch.</param>
/// <param name="Tensors">The tensors of its state dict, in order.</param>
internal sealed record ModelSpec(string Name, ImmutableArray<TensorSpec> Tensors);
