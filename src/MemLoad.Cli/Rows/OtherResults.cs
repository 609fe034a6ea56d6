using System.Collections.Immutable;

namespace MemLoad.Cli;

/// <summary>The output of <c>invoke</c>.</summary>
/// <param name="Shape">1, tokens, vocabulary.</param>
/// <param name="Logits">Row-major.</param>
internal sealed record InvokeResult(ImmutableArray<long> Shape, float[] Logits);

/// <summary>
/// The output of <c>runtime</c>. Cores are the logical processors that this process may use. The headroom is the memory that a load may use
/// now.
/// </summary>
internal sealed record RuntimeResult(string Version, string DotNet, string OperatingSystem, string? Processor, int Cores,
    long? TotalMemoryBytes, Headroom Headroom, string CacheFolder, IReadOnlyList<DeviceStatus> Devices);
