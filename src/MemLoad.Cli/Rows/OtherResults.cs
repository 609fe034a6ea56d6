using System.Collections.Immutable;

namespace MemLoad.Cli;

/// <summary>What <c>invoke</c> prints.</summary>
/// <param name="Shape">1, tokens, vocabulary.</param>
/// <param name="Logits">Row-major.</param>
internal sealed record InvokeResult(ImmutableArray<long> Shape, float[] Logits);

/// <summary>What <c>runtime</c> prints.</summary>
/// <param name="Version">MemLoad's version.</param>
/// <param name="DotNet">The .NET runtime.</param>
/// <param name="OperatingSystem">The operating system and its architecture.</param>
/// <param name="Processor">The processor's name, where the system says it.</param>
/// <param name="Cores">Logical processors this process may use.</param>
/// <param name="TotalMemoryBytes">Physical memory.</param>
/// <param name="Headroom">How much host memory a load may take here and now, and what limits it.</param>
/// <param name="CacheFolder">Where generated checkpoints are kept.</param>
/// <param name="Devices">The devices MemLoad knows.</param>
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
