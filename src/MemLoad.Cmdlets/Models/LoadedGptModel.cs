using MemLoad.Models;

namespace MemLoad;

/// <summary>
/// A model of this session: what <c>New-GptModel</c> and <c>Import-Weights</c> give and the other cmdlets take. It owns memory outside the garbage
/// collector's sight: free it with <c>Remove-GptModel</c>.
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

    /// <summary>Number of the model in this session, from 1.</summary>
    public int Id { get; internal set; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary><c>Meta</c> (shapes only), <c>Built</c> (fresh weights), <c>Loaded</c> (from a checkpoint) or <c>Removed</c>.</summary>
    public string State { get; private set; } = "Meta";

    /// <summary>The model size where it is one of the known ones, such as <c>gpt2-small</c>.</summary>
    public string? Size { get; }

    /// <summary>Where its weights lie; null for a model without weights.</summary>
    public string? Device => _held?.Device.Name;

    /// <summary>How they were loaded, if they were.</summary>
    public string? Strategy { get; private set; }

    /// <summary>The checkpoint they came from, if any.</summary>
    public string? Path { get; private set; }

    /// <summary>Tensors, buffers included.</summary>
    public long TensorCount { get; private set; }

    /// <summary>Elements of all tensors, buffers included.</summary>
    public long ParameterCount { get; private set; }

    /// <summary>Bytes of weights it holds; 0 for a model without weights.</summary>
    public long ModelBytes { get; private set; }

    /// <summary>The dimensions if it is a GPT model; null for any other state dict.</summary>
    internal GptConfig? Config { get; }

    internal ModelSpec? Spec { get; private set; }

    internal DeviceMemory DeviceMemory => _held?.Device.Memory ?? default;

    /// <summary>Takes fresh weights over.</summary>
    internal void TakeBuilt(LoadedWeights weights, IDevice device)
    {
        Take(weights, device, device, "Built");
    }

    /// <summary>Takes loaded weights over; those it had are freed.</summary>
    /// <exception cref="MemLoadException">ML6028: it was removed while they were loaded. They are freed.</exception>
    internal void TakeLoaded(LoadedModel loaded)
    {
        Take(loaded.Weights, loaded.Prepared.Device, loaded, "Loaded");
        Strategy = loaded.Prepared.Plan.Strategy.ToString();
        Path = loaded.Prepared.Checkpoint.Path;
        ParameterCount = loaded.Prepared.Checkpoint.ParameterCount;
    }

    /// <summary>Whether loaded weights can take the place of these, in the same memory: there is room for nothing more, and no other command uses it.</summary>
    internal bool CanOverwrite(PreparedLoad prepared)
    {
        lock (_changing)
        {
            return _held is { AreModelsOnly: true } held && held.Device.Name == prepared.Device.Name
                && WeightRefill.HostBytes(prepared.View, held.Device) <= (prepared.Budget.Host?.BudgetBytes ?? long.MaxValue)
                && WeightRefill.Fits(held.Weights, prepared.View);
        }
    }

    /// <summary>Loads weights into the memory of those it has. If that fails it has none. Other commands wait.</summary>
    internal void Overwrite(PreparedLoad prepared, CancellationToken stop)
    {
        lock (_running)
        lock (_changing)
        {
            RequireAlive();
            HeldWeights held = _held!;
            try
            {
                WeightRefill.Run(held.Weights, prepared.View, held.Device, stop);
                if (prepared.Manifest is not null && prepared.Difference(WeightsDigest.OfTensors(held.Weights, cancellationToken: stop)) is MemLoadException different)
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
        }
    }

    /// <summary>The weights, held until the caller disposes them, whoever removes the model or loads others into it meanwhile.</summary>
    /// <exception cref="MemLoadException">ML6027: it has none; ML6028: it was removed.</exception>
    internal HeldWeights Hold()
    {
        lock (_changing)
        {
            RequireAlive();
            return _held?.Hold() ?? throw Rules.ModelWithoutWeights.Broken($"the model '{Name}' is on the meta device: it has shapes and no weights");
        }
    }

    /// <summary>Throws if it was removed.</summary>
    /// <exception cref="MemLoadException">ML6028.</exception>
    internal void RequireAlive()
    {
        if (State == "Removed")
        {
            throw Rules.ModelGone.Broken($"the model '{Name}' was removed");
        }
    }

    /// <summary>Runs token ids through it, one run at a time. The weights stay until it is done.</summary>
    /// <exception cref="MemLoadException">ML602x.</exception>
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
                // A device's memory is the host's to see only while it computes on it.
                if (weights.CloseViews())
                {
                    held.Runnable = null;
                }
            }
        }
    }

    /// <summary>The weights themselves, for C# code: valid until the model is removed. Those on torch:cpu and on cards give tensors of libtorch
    /// (<c>AsTorch()</c> of MemLoad.Torch).</summary>
    /// <exception cref="MemLoadException">ML6027: it has none; ML6028: it was removed.</exception>
    public LoadedWeights AsWeights()
    {
        using HeldWeights held = Hold();
        return held.Weights;
    }

    /// <summary>Frees its memory at once, or as soon as the commands of other runspaces that use it are done. A second call does nothing.</summary>
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

    private void Take(LoadedWeights weights, IDevice device, IDisposable owner, string state)
    {
        var taken = new HeldWeights(weights, device, owner);
        HeldWeights? old;
        lock (_changing)
        {
            old = State == "Removed" ? taken : _held;
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
