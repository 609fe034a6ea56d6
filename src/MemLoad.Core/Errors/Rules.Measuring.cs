namespace MemLoad;

/// <summary>Rules on measuring (ML8xxx).</summary>
public static partial class Rules
{
    /// <summary>A cold measurement needs a page cache that lets go of one file.</summary>
    public static readonly Rule PageCacheFixed = new("ML8001", "the page cache can drop one file",
        "Measure with a warm cache or with the cache as it is; cold measurements need Linux.");
}
