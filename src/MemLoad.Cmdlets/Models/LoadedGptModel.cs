namespace MemLoad;

/// <summary>
/// A model of this session, which <c>New-GptModel</c> and <c>Import-Weights</c> return and the other cmdlets accept. It owns memory that
/// the garbage collector does not manage. Free it with <c>Remove-GptModel</c>.
/// </summary>
public sealed class LoadedGptModel : IDisposable
{
    private readonly Lock _changing = new();
    private readonly Lock _running = new();
    private HeldWeights? _held;

    internal LoadedGptModel(string name, GptConfig? config, ModelSpec? spec)
    {
        Name = name;
        Config = config;
        Size = config?.SizeName;
        Spec = spec;
        TensorCount = spec?.Tensors.Length ?? 0;
        ParameterCount = spec?.Tensors.Sum(tensor => ShapeMath.ElementCount(tensor.Shape)) ?? 0;
    }

    /// <summary>The number of the model in this session, from 1.</summary>
    public int Id { get; internal set; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary><c>Meta</c> (shapes only), <c>Built</c> (new weights), <c>Loaded</c> (from a checkpoint) or <c>Removed</c>.</summary>
    public string State { get; private set; } = "Meta";

    /// <summary>The name of the model size if it is a known one, such as <c>gpt2-small</c>.</summary>
    public string? Size { get; }

    /// <summary>The device of its weights; null for a model without weights.</summary>
    public string? Device => _held?.Device.Name;

    /// <summary>The strategy that loaded the weights; null if they were not loaded.</summary>
    public string? Strategy { get; private set; }

    /// <summary>The checkpoint of the weights; null if they were not loaded.</summary>
    public string? Path { get; private set; }

    /// <summary>The number of tensors, including buffers.</summary>
    public long TensorCount { get; private set; }

    /// <summary>Elements of all tensors, including buffers.</summary>
    public long ParameterCount { get; private set; }

    /// <summary>Bytes of its weights; 0 for a model without weights.</summary>
    public long ModelBytes { get; private set; }

    /// <summary>The dimensions of a GPT model; null for any other state dict.</summary>
    internal GptConfig? Config { get; }
    internal ModelSpec? Spec { get; private set; }
    internal bool IsRemoved => State == "Removed";
    internal DeviceMemory DeviceMemory => _held?.Device.Memory ?? default;

    /// <summary>Sets new weights, which the model then owns.</summary>
    internal void TakeBuilt(LoadedWeights weights, IDevice device)
    {
        Take(weights, device, device, "Built");
    }

    /// <summary>Sets loaded weights, which the model then owns. Its earlier weights are freed.</summary>
    /// <exception cref="MemLoadException">ML6028: the model was removed during the load. The weights are freed.</exception>
    internal void TakeLoaded(LoadedModel loaded)
    {
        Take(loaded.Weights, loaded.Prepared.Device, loaded, "Loaded");
        Strategy = loaded.Prepared.Plan.Strategy.ToString();
        Path = loaded.Prepared.Checkpoint.Path;
        ParameterCount = loaded.Prepared.Checkpoint.ParameterCount;
    }

    /// <summary>Loads weights into the memory of the current ones. If the load fails, the model has no weights. Other commands
    /// wait.</summary>
    /// <returns>False if that is not possible, and nothing changed. The layout or the device can differ, a staging ring may not fit, or
    /// another command can use the weights.</returns>
    /// <exception cref="MemLoadException">ML6028: the model was removed; ML1xxx: a file changed or cannot be read; ML6111.</exception>
    internal bool TryOverwrite(PreparedLoad prepared, CancellationToken stop)
    {
        lock (_running)
        {
            lock (_changing)
            {
                RequireAlive();
                if (_held is not { AreModelsOnly: true } held || held.Device.Name != prepared.Device.Name
                    || WeightRefill.HostBytes(prepared.View, held.Device) > (prepared.Budget.Host?.BudgetBytes ?? long.MaxValue)
                    || !WeightRefill.Fits(held.Weights, prepared.View))
                {
                    return false;
                }
                try
                {
                    WeightRefill.Run(held.Weights, prepared.View, held.Device, stop);
                    if (prepared.Manifest is not null
                        && prepared.Difference(WeightsDigest.OfTensors(held.Weights,
                        cancellationToken: stop)) is MemLoadException different)
                    {
                        throw different;
                    }
                }
                catch
                {
                    (_held, State, ModelBytes) = (null, "Meta", 0);
                    held.Dispose();
                    throw;
                }
                held.Runnable = null;
                State = "Loaded";
                Strategy = nameof(MemLoad.Strategy.Stream);
                Path = prepared.Checkpoint.Path;
                return true;
            }
        }
    }

    /// <summary>
    /// Returns the weights. They are held until the caller disposes them, even if the model is removed or gets other weights.
    /// </summary>
    /// <exception cref="MemLoadException">ML6027: the model has no weights; ML6028: it was removed.</exception>
    internal HeldWeights Hold()
    {
        lock (_changing)
        {
            RequireAlive();
            return _held?.Hold()
                ?? throw Rules.ModelWithoutWeights.Broken($"the model '{Name}' is on the meta device: it has shapes and no weights");
        }
    }

    /// <summary>Throws if the model was removed.</summary>
    /// <exception cref="MemLoadException">ML6028: the model was removed.</exception>
    internal void RequireAlive()
    {
        if (IsRemoved)
        {
            throw Rules.ModelGone.Broken($"the model '{Name}' was removed", remedy: $"{Rules.ModelGone.Remedy} {ModelSession.ListsModels}");
        }
    }

    /// <summary>Runs the model on token ids, one run at a time. The weights are held until the end of the run.</summary>
    /// <exception cref="MemLoadException">ML602x: the model or the input breaks a rule.</exception>
    internal (float[] Logits, GptConfig Config) Forward(int[] tokenIds, CancellationToken stop)
    {
        lock (_running)
        {
            using HeldWeights held = Hold();
            LoadedWeights weights = held.Weights;
            GptConfig config = Config ?? GptConfig.Infer(weights.Tensors, heads: null);
            held.Runnable ??= held.Device.BuildGpt(config, weights);
            try
            {
                float[] logits = held.Runnable.Forward(tokenIds, stop);
                weights.RequireIntact();
                return (logits, config);
            }
            finally
            {
                // Device memory is mapped into the host only while the host computes on it.
                if (weights.CloseViews())
                {
                    held.Runnable = null;
                }
            }
        }
    }

    /// <summary>
    /// The weights, for C# code. They are valid until the model is removed. Weights on torch:cpu and on cards give tensors of libtorch
    /// (<c>AsTorch()</c> of MemLoad.Torch).
    /// </summary>
    /// <exception cref="MemLoadException">ML6027: the model has no weights; ML6028: it was removed.</exception>
    public LoadedWeights AsWeights()
    {
        using HeldWeights held = Hold();
        return held.Weights;
    }

    /// <summary>Frees the memory now, or after commands of other runspaces that use it have ended. A second call does nothing.</summary>
    public void Dispose()
    {
        HeldWeights? old;
        lock (_changing)
        {
            old = _held;
            _held = null;
            State = "Removed";
            ModelBytes = 0;
        }
        old?.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Whether this is its name, case ignored.</summary>
    internal bool IsNamed(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private void Take(LoadedWeights weights, IDevice device, IDisposable owner, string state)
    {
        var taken = new HeldWeights(weights, device, owner);
        HeldWeights? old;
        lock (_changing)
        {
            old = IsRemoved ? taken : _held;
            if (old != taken)
            {
                _held = taken;
                State = state;
                TensorCount = weights.Tensors.Length;
                ModelBytes = weights.StorageLengths.Sum();
            }
        }
        old?.Dispose();
        RequireAlive();
    }
}
