using System.Collections.Immutable;

namespace MemLoad.Cli;

/// <summary>The output of <c>invoke</c>.</summary>
/// <param name="Shape">1, tokens, vocabulary.</param>
/// <param name="Logits">Row-major.</param>
internal sealed record InvokeResult(ImmutableArray<long> Shape, float[] Logits);

/// <summary>The output of <c>runtime</c>.</summary>
/// <param name="Version">MemLoad's version.</param>
/// <param name="DotNet">The .NET runtime.</param>
/// <param name="OperatingSystem">The operating system and its architecture.</param>
/// <param name="Processor">The name of the processor, if the system reports it.</param>
/// <param name="Cores">Logical processors that this process may use.</param>
/// <param name="TotalMemoryBytes">Physical memory.</param>
/// <param name="Headroom">How much host memory a load may use now, and what limits it.</param>
/// <param name="CacheFolder">The folder of generated checkpoints.</param>
/// <param name="Devices">The devices that MemLoad knows.</param>
internal sealed record RuntimeResult(
    string Version,
    string DotNet,
    string OperatingSystem,
    string? Processor,
    int Cores,
    long? TotalMemoryBytes,
    Headroom Headroom,
    string CacheFolder,
    IReadOnlyList<DeviceStatus> Devices);
