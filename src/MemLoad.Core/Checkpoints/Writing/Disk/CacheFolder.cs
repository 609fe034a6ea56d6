namespace MemLoad;

/// <summary>The folder in which MemLoad keeps its own files: generated checkpoints, and the measured speed of the machine.</summary>
internal static class CacheFolder
{
    /// <summary>
    /// Its absolute path. MEMLOAD_CACHE sets it. The default is <c>memload</c> in the user's cache folder (XDG_CACHE_HOME, ~/.cache; on
    /// Windows the local application data).
    /// </summary>
    /// <exception cref="MemLoadException">ML9111: this user has no such folder.</exception>
    public static string Path
    {
        get
        {
            if (Environment.GetEnvironmentVariable("MEMLOAD_CACHE") is { Length: > 0 } chosen)
            {
                return FullPath.Of(chosen, Rules.CacheUnusable);
            }
            if (OperatingSystem.IsWindows())
            {
                return System.IO.Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "MemLoad", "Cache");
            }
            string caches = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && System.IO.Path.IsPathRooted(xdg)
                ? xdg
                : System.IO.Path.Combine(Home, OperatingSystem.IsMacOS() ? "Library/Caches" : ".cache");
            return System.IO.Path.Combine(caches, "memload");
        }
    }

    // A service account may have no home folder, or a home folder that does not exist. The current folder is never used instead.
    private static string Home =>
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify)
            is { Length: > 0 } home
            ? home
            : throw Rules.CacheUnusable.Broken("this user has no home folder for a cache");
}
