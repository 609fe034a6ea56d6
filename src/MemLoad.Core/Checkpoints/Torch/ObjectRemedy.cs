namespace MemLoad;

/// <summary>
/// The remedy for a file with objects: the lines of Python that write its tensors to another file. They name the key under which the
/// tensors are in this file.
/// </summary>
internal static class ObjectRemedy
{
    private const int DeepestKey = 4;
    private const string Load = "c = torch.load(path, weights_only=False)";

    // The other states that trainers save with the model. They can have more tensors than the model.
    private static readonly string[] OtherKeys = ["optim", "sched"];

    /// <summary>Returns the remedy; null if the file has no tensors.</summary>
    /// <param name="root">The value of the pickle, read with its objects.</param>
    /// <param name="budget">The budget that the search is charged to.</param>
    /// <exception cref="MemLoadException">ML1013.</exception>
    public static Remedy? For(object? root, FileBudget budget)
    {
        if (Outside(root, "c", 0, budget) is string tensors)
        {
            return $"{Python(tensors)} To open it without its objects, which runs no code: {Setting.AllowOpaque}.";
        }
        return Inside(root) is string model ? Python($"{model}.state_dict()")
            : root is PickleDict dict && dict.Items.Any(item => item.Value is OpaqueObject { HasStorage: true })
                ? Python("{k: v.cpu() for k, v in c.items()}") // tensors of a device whose package rebuilds them
                : null;
    }

    private static string Python(string tensors) =>
        $"Only if you trust the file (this runs its code), in Python: {Load}; torch.save({tensors}, new).";

    // The expression of the container whose tensors are those of the model and that has no object. Null if there is none.
    private static string? Outside(object? container, string expression, int depth, FileBudget budget)
    {
        if (container is not PickleDict { HasObjectKey: false } dict)
        {
            return null;
        }
        (string Key, object? Value, int Count) best = ("", null, 0);
        int direct = 0;
        budget.Spend(FileBudget.Inspecting(dict.Items.Count));
        foreach ((string key, object? value) in dict.Items)
        {
            direct += value is TensorReference ? 1 : 0;
            if (value is PickleDict { HasObjectKey: false } or PickleSequence { Kind: PickleSequenceKind.List or PickleSequenceKind.Tuple })
            {
                int count = OtherKeys.Any(other => key.Contains(other, StringComparison.OrdinalIgnoreCase)) ? 0
                    : Tensors(value, budget);
                best = count > best.Count ? (key, value, count) : best;
            }
        }
        if (direct >= best.Count && direct > 0)
        {
            return TorchContainer.Holds(dict, value => value is OpaqueObject or PickleDict { HasObjectKey: true }, budget)
                ? $"{{k: v for k, v in {expression}.items() if isinstance(v, torch.Tensor)}}"
                : expression;
        }
        if (best.Value is null)
        {
            return null;
        }
        string below = $"{expression}[{Quoted(best.Key)}]";
        bool clean = !TorchContainer.Holds(best.Value, value => value is OpaqueObject or PickleDict { HasObjectKey: true }, budget);
        return clean ? below : depth < DeepestKey ? Outside(best.Value, below, depth + 1, budget) : null;
    }

    // The number of tensors in the container itself; 1 if only nested containers have tensors.
    private static int Tensors(object container, FileBudget budget)
    {
        int count = 0;
        if (container is PickleDict dict)
        {
            budget.Spend(FileBudget.Inspecting(dict.Items.Count));
            count = dict.Items.Count(item => item.Value is TensorReference);
        }
        return count > 0 ? count : TorchContainer.Holds(container, value => value is TensorReference, budget) ? 1 : 0;
    }

    // The expression of the object with the most tensors: a whole model.
    private static string? Inside(object? root) => root switch
    {
        OpaqueObject { TensorCount: > 0 } => "c",
        PickleDict dict => dict.Items.Where(item => item.Value is OpaqueObject { TensorCount: > 0 })
            .OrderByDescending(item => ((OpaqueObject)item.Value!).TensorCount).Select(item => $"c[{Quoted(item.Key)}]").FirstOrDefault(),
        _ => null,
    };

    private static string Quoted(string key) => Printable.Text(PythonText.Repr(key), Printable.LongestName);
}
