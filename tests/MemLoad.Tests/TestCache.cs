using System.Runtime.CompilerServices;

namespace MemLoad.Tests;

/// <summary>
/// A cache folder for this run. Tests leave nothing in the user's cache folder, and use only figures of the machine from this run.
/// </summary>
internal static class TestCache
{
    [ModuleInitializer]
#pragma warning disable CA2255 // A test assembly is an application, so no other code runs its initialisers.
    internal static void Use()
#pragma warning restore CA2255
    {
        var folder = new TemporaryFolder();
        Environment.SetEnvironmentVariable("MEMLOAD_CACHE", folder.Path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
    }
}
