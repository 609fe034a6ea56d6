using System.Runtime.CompilerServices;

namespace MemLoad.Tests;

/// <summary>
/// A cache folder for this run alone: tests leave nothing in the user's, and what they measure of this machine is this run's.
/// </summary>
internal static class TestCache
{
    [ModuleInitializer]
#pragma warning disable CA2255 // A test assembly is an application: nobody else runs its initialisers.
    internal static void Use()
#pragma warning restore CA2255
    {
        var folder = new TemporaryFolder();
        Environment.SetEnvironmentVariable("MEMLOAD_CACHE", folder.Path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
    }
}
