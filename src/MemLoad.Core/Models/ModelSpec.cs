using System.Collections.Immutable;

namespace MemLoad;

/// <summary>A tensor that a model expects: a parameter or a buffer.</summary>
/// <param name="Name">Its name in the state dict.</param>
/// <param name="DType">The element type the model has.</param>
/// <param name="Shape">Its dimensions in elements.</param>
/// <param name="IsBuffer">True for a buffer (a causal mask, say), which no optimizer trains but which a load must fill all the same.</param>
public sealed record TensorSpec(string Name, DType DType, ImmutableArray<long> Shape, bool IsBuffer = false);

/// <summary>A model without memory: what PyTorch calls a model on the meta device.</summary>
/// <param name="Name">The model class, used in messages the way PyTorch uses it.</param>
/// <param name="Tensors">What its state dict holds, in order.</param>
public sealed record ModelSpec(string Name, ImmutableArray<TensorSpec> Tensors);
