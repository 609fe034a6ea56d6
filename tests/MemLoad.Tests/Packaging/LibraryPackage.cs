using System.Diagnostics;
using System.Reflection;

namespace MemLoad.Tests.Packaging;

/// <summary>The package of MemLoad.Core, created from the output of the build, in a folder that is used as a feed.</summary>
public sealed class LibraryPackage : IDisposable
{

    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<string> _file;

    /// <summary>Creates the package when the file is first requested.</summary>
    public LibraryPackage() => _file = new(() =>
    {
        string project = Path.Combine(Repository.Root, "src", "MemLoad.Core");
        string feed = Path.Combine(_folder.Path, "output");
        _ = Dotnet("pack", project, "--no-build", "--configuration", Configuration, "--output", feed, $"-p:PackageVersion={Version}");
        return Path.Combine(feed, $"MemLoad.Core.{Version}.nupkg");
    });

    /// <summary>Skips a test if the .NET SDK is not installed.</summary>
    public static void SkipWithoutSdk() =>
        Skip.If(string.IsNullOrWhiteSpace(Dotnet("--list-sdks")), "no SDK of .NET is found: \"dotnet --list-sdks\" lists none");

    /// <summary>A version that no cache of packages has.</summary>
    public string Version { get; } = $"{typeof(Checkpoint).Assembly.GetName().Version!.ToString(3)}-test.{Guid.NewGuid():N}";

    /// <summary>The file.</summary>
    public string File => _file.Value;

    private static string Configuration { get; } = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    // The folder in which the restore of this build found the dependencies of the library.
    private static string Packages { get; } = typeof(LibraryPackage).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .First(value => value.Key == "NuGetPackageRoot").Value!;

    /// <summary>Copies an example out of the repository and builds it with this package, without a network.</summary>
    /// <returns>The program.</returns>
    public string BuildExample(string name)
    {
        string target = Path.Combine(_folder.Path, "examples", name);
        Directory.CreateDirectory(target);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "examples", "CSharp", name)))
        {
            string text = System.IO.File.ReadAllText(file);
            System.IO.File.WriteAllText(
                Path.Combine(target, Path.GetFileName(file)),
                text.Replace(
                    $"Version=\"{typeof(Checkpoint).Assembly.GetName().Version!.ToString(3)}\"",
                    $"Version=\"{Version}\"",
                    StringComparison.Ordinal));
        }
        string output = Path.Combine(_folder.Path, "bin", name);
        _ = Dotnet(
            "build",
            target,
            "--output",
            output,
            $"-p:RestoreSources={Path.GetDirectoryName(File)}",
            $"-p:RestoreFallbackFolders={Packages}",
            $"-p:RestorePackagesPath={Path.Combine(_folder.Path, "packages")}");
        return Path.Combine(output, $"{name}.dll");
    }

    /// <summary>Runs dotnet.</summary>
    /// <returns>Its output; another exit status than 0 fails the test.</returns>
    public static string Dotnet(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments);
        // The settings of "dotnet test" are not those of a user's shell.
        foreach (string variable in start
                .Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))
                .ToArray())
        {
            start.Environment.Remove(variable);
        }
        // No process keeps running.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        var run = EndedProcess.Run(start);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        return run.Output;
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
