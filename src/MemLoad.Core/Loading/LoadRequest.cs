using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>One load: what is loaded, with which strategy, and to which device.</summary>
public sealed record LoadRequest
{
    /// <summary>The most ranks that load at the same time. Each has a process of its own on this machine.</summary>
    internal const int MostRanks = 1024;

    /// <summary>
    /// File or folder; null for a model of <see cref="Size"/> without a file. Such a request can be forecast but not loaded.
    /// </summary>
    public required string? Path { get; init; }

    /// <summary>The strategy.</summary>
    public required Strategy Strategy { get; init; }

    /// <summary>The device to load to.</summary>
    public string Device { get => field ?? DeviceRegistry.Default; init; }

    /// <summary>Container or tensor of the checkpoint to load; null for all.</summary>
    public string? Key { get; init; }

    /// <summary>Name patterns to keep; all if empty.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Name patterns to exclude.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Whether the file opens without its objects that are not tensors, as for <see cref="OpenLimits.AllowOpaque"/>.</summary>
    public bool AllowOpaque { get; init; }

    /// <summary>
    /// The rank that loads, from 0 to <see cref="RankCount"/> less 1. It loads a contiguous range of the storages, or a slice of each
    /// tensor.
    /// </summary>
    public int Rank { get; init; }

    /// <summary>The number of ranks that the checkpoint is split among by bytes; 1 for a whole checkpoint.</summary>
    public int RankCount { get; init; } = 1;

    /// <summary>
    /// The dimension in which each tensor is split among the ranks; null to split the checkpoint between whole tensors.
    /// </summary>
    public TensorSplit? Split { get; init; }

    /// <summary>
    /// Whether all ranks load at the same time, each in its own process. The host memory of all ranks together is then compared with the
    /// budget if the requests of all ranks follow each other (<see cref="LoadPlanner"/>, <see cref="MeasureSession"/>). A single request
    /// has only its own memory.
    /// </summary>
    public bool WithOtherRanks { get; init; }

    /// <summary>The host memory that is kept for the other ranks, in bytes; 0 if none loads at the same time.</summary>
    [JsonInclude]
    internal long OtherRanksBytes { get; init; }

    /// <summary>A known model size that the checkpoint must fit, such as <c>gpt2-small</c>; null for any state dict.</summary>
    public string? Size { get; init; }

    /// <summary>
    /// The type that floating-point tensors are cast to while loading: float32, float16 or bfloat16; null to load them as they are.
    /// </summary>
    public DType? DType { get; init; }

    /// <summary>A manifest (<see cref="WeightManifest"/>) that the loaded weights are compared with; null for none.</summary>
    public string? Manifest { get; init; }

    /// <summary>The most anonymous host memory that the load may need, in bytes; null for no limit of the user.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public long? HostMemoryLimit { get; init => field = NotNegative(value); }

    /// <summary>
    /// The most device memory that the load may need, in bytes; null for no limit of the user. It is the capacity of a simulated device.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public long? DeviceMemoryLimit { get; init => field = NotNegative(value); }

    /// <summary>
    /// The tokens of each sequence, for the forecast of the KV cache of a server; null for none. It has no effect on a load.
    /// </summary>
    public long? ContextLength { get; init; }

    /// <summary>The sequences that are served at a time, for the forecast of the KV cache.</summary>
    public long Sequences { get; init; } = 1;

    /// <summary>The type of the elements of the KV cache.</summary>
    public DType CacheDType { get; init; } = MemLoad.DType.Float16;

    /// <summary>
    /// The guard against a file that becomes shorter while it is mapped. <see cref="MapGuard.Required"/> refuses files that cannot be
    /// guarded, and <see cref="Strategy.Auto"/> then maps none of them.
    /// </summary>
    public MapGuard MapGuard { get; init; }

    /// <summary>Loads even if the forecast exceeds the host memory budget. The capacity of a device is not overridden.</summary>
    public bool Force { get; init; }

    private static long? NotNegative(long? value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value ?? 0, nameof(value));
        return value;
    }

    /// <summary>Refuses loads that cannot be forecast from one opened checkpoint and its cast.</summary>
    /// <exception cref="ArgumentException">Two of them differ in more than the strategy, the device, the rank and limits.</exception>
    internal static void RequireSameTensors(IReadOnlyList<LoadRequest> requests)
    {
        LoadRequest first = requests[0];
        LoadRequest what = first.What();
        foreach (LoadRequest other in requests.Skip(1))
        {
            if (what != other.What() || !first.Include.SequenceEqual(other.Include) || !first.Exclude.SequenceEqual(other.Exclude))
            {
                throw new ArgumentException(
                    "The requests differ in more than the strategy, the device, the rank and the limits.", nameof(requests));
            }
        }
    }

    // The request without everything that has no effect on the tensors and their cast, and without lists, which records do not compare.
    private LoadRequest What() => this with
    {
        Strategy = default,
        Device = "",
        Include = [],
        Exclude = [],
        Rank = 0,
        WithOtherRanks = false,
        OtherRanksBytes = 0,
        HostMemoryLimit = null,
        DeviceMemoryLimit = null,
        MapGuard = default,
        Force = false,
    };

    /// <summary>
    /// Returns the same load for several strategies and devices: every strategy for the first device, then for the next. If no rank is
    /// given, all ranks load at the same time, each to its own device. Every rank loads with the first strategy, then with the next.
    /// </summary>
    /// <param name="strategies">The strategies. An empty list means all except <see cref="Strategy.Auto"/>.</param>
    /// <param name="devices">The devices. One text can have several names, separated by commas.</param>
    /// <param name="rank">The rank that loads; null for all ranks.</param>
    /// <exception cref="MemLoadException">ML7009: all ranks load, and they are too many, or the devices are not one per rank.</exception>
    internal IReadOnlyList<LoadRequest> By(IReadOnlyCollection<Strategy> strategies, IEnumerable<string> devices, int? rank)
    {
        string[] names =
            [.. devices.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries)).Distinct(StringComparer.OrdinalIgnoreCase)];
        IEnumerable<Strategy> all = strategies.Count > 0 ? strategies.Distinct() : Strategies.All;
        if (rank is null && RankCount > 1)
        {
            string[] own = OnePerRank(names);
            return
            [
                .. from strategy in all
                   from number in Enumerable.Range(0, RankCount)
                   select this with { Strategy = strategy, Device = own[number], Rank = number, WithOtherRanks = true },
            ];
        }
        return
        [
            .. from device in names
               from strategy in all
               select this with { Strategy = strategy, Device = device, Rank = rank ?? 0 },
        ];
    }

    /// <summary>
    /// Divides loads in the order of <see cref="By"/> into the groups that load at the same time: all ranks of a checkpoint, or one load.
    /// </summary>
    internal static IEnumerable<IReadOnlyList<T>> InTurns<T>(IReadOnlyList<T> loads, Func<T, LoadRequest> request)
    {
        for (int first = 0; first < loads.Count;)
        {
            LoadRequest load = request(loads[first]);
            int count = load.WithOtherRanks ? Math.Max(1, load.RankCount) : 1;
            yield return [.. loads.Skip(first).Take(count)];
            first += count;
        }
    }

    // Processes of one host share its memory, which the budget adds up. They do not share a simulated device.
    private string[] OnePerRank(string[] names) =>
        RankCount > MostRanks
            ? throw Rules.RanksApart.Broken($"{RankCount} ranks would load at the same time, more than {MostRanks}",
                remedy: $"Name the one rank that loads ({Setting.Rank}), or fewer ranks ({Setting.RankCount}).")
        : names.Length == RankCount ? names
        : names.Length == 1 && !DeviceRegistry.IsCard(names[0]) ? [.. Enumerable.Repeat(names[0], RankCount)]
        : throw Rules.RanksApart.Broken(
            $"{RankCount} ranks would load at the same time, and "
                + $"{(names.Length == 1 ? "one device is" : $"{names.Length} devices are")} named",
            remedy: $"Name {RankCount} devices ({Setting.Device}), or the one rank that loads ({Setting.Rank}).");
}
