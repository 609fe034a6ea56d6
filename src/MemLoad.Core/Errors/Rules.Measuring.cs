namespace MemLoad;

/// <summary>Rules on measuring (ML8xxx).</summary>
internal static partial class Rules
{
    public static Rule PageCacheFixed => field ??= new("ML8001", "the system can evict the file from its page cache",
        $"Measure with a warm cache or with the cache as it is ({(Setting.Cache, "Warm")} or AsIs). Cold measurements need Linux and a "
            + $"file system that evicts pages.");
    public static Rule DigestsDiffer => field ??= new("ML8002", "all loads of a checkpoint give the same weights",
        "Do not use the model. Compare WeightsDigest of the rows, and report this as a bug of MemLoad.");
    public static Rule CacheTooSmall => field ??= new("ML8019", "the files fit into the memory that the page cache can use",
        $"Read a part of the model ({Setting.Include}), or read all of it with {Setting.Force}. The system then evicts pages.");
    public static Rule ProgramPaths => field ??= new("ML8020", "a program is measured with at most one checkpoint",
        $"Give one path ({Setting.Path}), or measure the program once for each checkpoint.");
}
