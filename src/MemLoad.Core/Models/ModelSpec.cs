using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A tensor that a model expects: a parameter or a buffer.</summary>
/// <param name="Name">Its name in the state dict.</param>
/// <param name="DType">The element type in the model.</param>
/// <param name="Shape">Its dimensions in elements.</param>
/// <param name="IsBuffer">True for a buffer, such as a causal mask. An optimizer does not train it, but a load must fill it.</param>
internal sealed record TensorSpec(string Name, DType DType, ImmutableArray<long> Shape, bool IsBuffer = false);

/// <summary>A model without memory. PyTorch calls it a model on the meta device.</summary>
/// <param name="Name">The model class, used in messages as in PyTorch.</param>
/// <param name="Tensors">The tensors of its state dict, in order.</param>
internal sealed record ModelSpec(string Name, ImmutableArray<TensorSpec> Tensors);
