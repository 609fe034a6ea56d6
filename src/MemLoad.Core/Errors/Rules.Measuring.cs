namespace MemLoad;

/// <summary>Rules on measuring (ML8xxx).</summary>
internal static partial class Rules
{
    public static readonly Rule PageCacheFixed = new("ML8001", "the page cache can drop one file",
        $"Measure with a warm cache or with the cache as it is ({(Setting.Cache, "Warm")} or AsIs); cold measurements need Linux and a disk that drops pages.");
    public static readonly Rule DigestsDiffer = new("ML8002", "every load of a checkpoint yields the same weights",
        "Do not use the model; compare WeightsDigest across the rows, and report it as a bug of MemLoad.");
}
