namespace MemLoad.Tests.Devices.Cuda;

/// <summary>The played driver as a shared library, for programs that tests start.</summary>
internal sealed class PlayedLibrary : Need
{
    /// <summary>The folder for LD_LIBRARY_PATH.</summary>
    public static string Folder { get; } = Path.Combine(Repository.Root, "tests", "PlayedCuda", "bin", "library");

    public override string Name => "the simulated CUDA driver as a library";

    public override string? WhyNot => !OperatingSystem.IsLinux() ? "on Windows a driver is only looked for in the system folder"
        : File.Exists(Path.Combine(Folder, "libcuda.so.1")) ? null
        : "dotnet publish tests/PlayedCuda -r linux-x64 makes it, with a C compiler as linker";
}
