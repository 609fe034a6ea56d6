using System.Runtime.InteropServices;

namespace MemLoad.Tests.Windows;

/// <summary>
/// Whether a Windows program runs on another system (Wine), and the differences of that system from the documentation of Windows.
/// </summary>
internal static class CompatibilityLayer
{
    public static bool IsHere { get; } = OperatingSystem.IsWindows()
        && NativeLibrary.TryLoad("ntdll.dll", typeof(CompatibilityLayer).Assembly, DllImportSearchPath.System32, out nint library)
        && NativeLibrary.TryGetExport(library, "wine_get_version", out _);

    public static void SkipRenameOverOpenFile() =>
        Skip.If(IsHere, "the layer denies a rename over an open file; FILE_RENAME_FLAG_POSIX_SEMANTICS is documented to allow it");
}
