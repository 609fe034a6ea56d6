namespace MemLoad;

/// <summary>The strategies to load weights. The first five are those of the notebook on memory-efficient loading in PyTorch.</summary>
public enum Strategy
{
    /// <summary>Builds the model on the host, moves it to the device, loads the whole state dict on the device, and copies it.</summary>
    Baseline,
    /// <summary>Builds the model on the device, loads the state dict on the host, and copies one tensor at a time.</summary>
    Sequential,
    /// <summary>Allocates the model empty on the device, loads the state dict on the device, and copies it.</summary>
    Meta,
    /// <summary>Maps the file, and uses its pages as the model's memory. Nothing is read before its first use.</summary>
    Mmap,
    /// <summary>Allocates the model empty on the device, then loads one whole tensor at a time through the host.</summary>
    PerTensor,
    /// <summary>Allocates the model empty on the device, then fills it directly from the file through a bounded ring.</summary>
    Stream,
    /// <summary>Chooses the fastest of these strategies whose forecast fits the budget.</summary>
    Auto,
}

/// <summary>Lists of strategies.</summary>
public static class Strategies
{
    /// <summary>The strategies that write plans: all except <see cref="Strategy.Auto"/>, which chooses among them.</summary>
    public static IReadOnlyList<Strategy> All { get; } = [.. Enum.GetValues<Strategy>().Where(strategy => strategy != Strategy.Auto)];
}
