using MemLoad.Tests.Measurement;

namespace MemLoad.Tests.Writing;

// The tests run alone, because other tests use the cache folder that the environment names.
[Collection(QuietProcess.Name)]
public sealed class CacheFolderTests
{
    private static readonly string Home =
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);

    [SkippableTheory]
    [InlineData("/a/cache", "/b/xdg", "/a/cache")]
    [InlineData("/a/../cache/", null, "/cache/")]
    [InlineData("", "/b/xdg", "/b/xdg/memload")]
    [InlineData(null, "/b/xdg", "/b/xdg/memload")]
    [InlineData(null, "relative", "~/.cache/memload")] // the XDG rules: a path that is not absolute does not count
    [InlineData(null, "", "~/.cache/memload")]
    [InlineData(null, null, "~/.cache/memload")]
    public void The_environment_names_the_cache(string? own, string? xdg, string expected)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "the folders of Linux");
        Skip.If(Home.Length == 0, "this user has no home folder");

        Assert.Equal(expected.Replace("~", Home, StringComparison.Ordinal), With(own, xdg));
    }

    [Fact]
    public void A_relative_path_is_below_the_current_folder()
    {
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "cache"), With("cache", null));
    }

    private static string With(string? own, string? xdg)
    {
        string? ownBefore = Environment.GetEnvironmentVariable("MEMLOAD_CACHE");
        string? xdgBefore = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        try
        {
            Environment.SetEnvironmentVariable("MEMLOAD_CACHE", own);
            Environment.SetEnvironmentVariable("XDG_CACHE_HOME", xdg);
            return CacheFolder.Path;
        }
        finally
        {
            Environment.SetEnvironmentVariable("MEMLOAD_CACHE", ownBefore);
            Environment.SetEnvironmentVariable("XDG_CACHE_HOME", xdgBefore);
        }
    }
}
