namespace MemLoad;

/// <summary>The ways to load weights. The first five are those of the well-known notebook on memory-efficient loading in PyTorch.</summary>
public enum Strategy
{
    /// <summary>Build the model on the host, move it, load the whole state dict on the device, copy.</summary>
    Baseline,
    /// <summary>Model on the device, state dict on the host, copied one tensor at a time.</summary>
    Sequential,
    /// <summary>A model without memory, allocated empty on the device; state dict on the device, copied.</summary>
    Meta,
    /// <summary>Map the file and take its pages over: nothing is read until it is used.</summary>
    Mmap,
    /// <summary>Allocated empty on the device, then one whole tensor at a time through the host.</summary>
    PerTensor,
    /// <summary>Allocated empty on the device, then filled straight from the file through a bounded ring.</summary>
    Stream,
    /// <summary>The fastest of these whose forecast fits the budget.</summary>
    Auto,
}

/// <summary>The strategies as a list.</summary>
public static class Strategies
{
    /// <summary>Those that write plans: all but <see cref="Strategy.Auto"/>, which chooses among them.</summary>
    public static IReadOnlyList<Strategy> All { get; } = [.. Enum.GetValues<Strategy>().Where(strategy => strategy != Strategy.Auto)];
}
