using System.Globalization;

namespace MemLoad.PlayedCuda;

/// <summary>The resources of a played driver, and its failures.</summary>
public sealed record PlayedOptions
{
    /// <summary>The number of cards.</summary>
    public int Cards { get; init; } = 1;

    /// <summary>The memory of each card.</summary>
    public long TotalBytes { get; init; } = 16L << 30;

    /// <summary>The memory of each card that other processes use.</summary>
    public long OthersBytes { get; init; } = 100L << 20;

    /// <summary>The memory that a context takes.</summary>
    public long ContextBytes { get; init; } = 300L << 20;

    /// <summary>Whether the memory of the cards is that of the computer.</summary>
    public bool IsIntegrated { get; init; }

    /// <summary>Whether host memory can be pinned.</summary>
    public bool Pins { get; init; } = true;

    /// <summary>The delay of a copy between pinned memory and a card, in microseconds.</summary>
    public int DelayMicroseconds { get; init; }

    /// <summary>
    /// The number of the call, among those that allocate, copy or wait, from which the card fails with <see cref="FailResult"/>.
    /// </summary>
    public int FailFrom { get; init; } = int.MaxValue;

    /// <summary>The result of a card that failed: CUDA_ERROR_ECC_UNCORRECTABLE. Every later call has it, too.</summary>
    public int FailResult { get; init; } = 214;

    /// <summary>The result of cuInit.</summary>
    public int InitResult { get; init; }

    /// <summary>The number of streams.</summary>
    public int Streams { get; init; } = 64;

    /// <summary>Whether the management library knows the memory of this process. It does not in most containers.</summary>
    public bool KnowsProcess { get; init; } = true;

    /// <summary>Reads options from text such as <c>cards=2;total=1000000;pins=0</c>.</summary>
    public static PlayedOptions Parse(string? text)
    {
        var options = new PlayedOptions();
        foreach (string part in (text ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] pair = part.Split('=');
            long value = long.Parse(pair[1], CultureInfo.InvariantCulture);
            options = pair[0] switch
            {
                "cards" => options with { Cards = (int)value },
                "total" => options with { TotalBytes = value },
                "others" => options with { OthersBytes = value },
                "integrated" => options with { IsIntegrated = value != 0 },
                "pins" => options with { Pins = value != 0 },
                "delay" => options with { DelayMicroseconds = (int)value },
                "failfrom" => options with { FailFrom = (int)value },
                "failresult" => options with { FailResult = (int)value },
                "init" => options with { InitResult = (int)value },
                "process" => options with { KnowsProcess = value != 0 },
                _ => throw new ArgumentException($"There is no option '{pair[0]}'.", nameof(text)),
            };
        }
        return options;
    }
}
