namespace MemLoad.Completion;

/// <summary>Completes the names of the tensors in the named checkpoint.</summary>
public sealed class TensorNameCompleter : CheckpointCompleter
{
    /// <inheritdoc/>
    protected override IEnumerable<(string Text, string ToolTip)> Words(Checkpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return checkpoint.Tensors.Select(tensor => (tensor.Name, $"{tensor.DType.TorchName()} ({string.Join(", ", tensor.Shape)})"));
    }
}
