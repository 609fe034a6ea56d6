using System.Text;

namespace MemLoad;

/// <summary>Compares a state dict with a model before anything is loaded, as PyTorch's strict <c>load_state_dict</c> does.</summary>
internal static class StateDictMatch
{
    private const int MostNames = 8;

    /// <summary>
    /// Throws unless the checkpoint has exactly the names of the model in memory, each with the shape and dtype of the model.
    /// </summary>
    /// <exception cref="MemLoadException">ML6007, with PyTorch's words for missing, unexpected and mismatched tensors, on one
    /// line.</exception>
    public static void Require(ModelSpec model, LoadView view)
    {
        var wanted = model.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var found = view.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        var problems = new List<string>();
        Names("Missing", [.. model.Tensors.Where(tensor => !found.ContainsKey(tensor.Name)).Select(tensor => tensor.Name)]);
        Names("Unexpected", [.. view.Tensors.Where(tensor => !wanted.ContainsKey(tensor.Name)).Select(tensor => tensor.Name)]);
        foreach (TensorSpec spec in model.Tensors)
        {
            if (!found.TryGetValue(spec.Name, out TensorEntry? tensor))
            {
                continue;
            }
            if (!tensor.Shape.AsSpan().SequenceEqual(spec.Shape.AsSpan()))
            {
                problems.Add(
                    $"size mismatch for {Printable.Name(spec.Name)}: copying a param with shape "
                        + $"torch.Size([{string.Join(", ", tensor.Shape)}]) from checkpoint, "
                        + $"the shape in current model is torch.Size([{string.Join(", ", spec.Shape)}])");
            }
            else if (tensor.DType != spec.DType)
            {
                problems.Add(
                    $"dtype mismatch for {Printable.Name(spec.Name)}: the checkpoint has torch.{tensor.DType.TorchName()}, the current "
                        + $"model torch.{spec.DType.TorchName()}");
            }
        }
        if (problems.Count > 0)
        {
            var text = new StringBuilder(
                $"Error(s) in loading state_dict for {Printable.Text(model.Name, Printable.LongestName)}: "
            ).AppendJoin("; ", problems.Take(MostNames));
            throw Rules.StateDictMismatch.Broken(
                problems.Count > MostNames ? text.Append($"; and {problems.Count - MostNames} more").ToString() : text.ToString(),
                view.Checkpoint.Path);
        }

        void Names(string kind, string[] names)
        {
            if (names.Length > 0)
            {
                string more = names.Length > MostNames ? $" and {names.Length - MostNames} more" : "";
                problems.Add(
                    $"{kind} key(s) in state_dict: "
                        + $"{string.Join(", ", names.Take(MostNames).Select(name => $"\"{Printable.Name(name)}\""))}{more}");
            }
        }
    }
}
