using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace MemLoad.Isolation;

/// <summary>
/// The load context of MemLoad.Core and of every assembly that it needs from the module's folder. PowerShell loads the assemblies of
/// modules into the default context, which holds one version of each name. An assembly in this context takes its dependencies from the
/// module's folder, independently of the default context. It loads no assembly into the default context.
/// </summary>
internal sealed class ModuleLoadContext : AssemblyLoadContext
{
    private const string Library = "MemLoad.Core";

    private static readonly Version? OwnVersion = typeof(ModuleLoadContext).Assembly.GetName().Version;

    // There is one per process for all runspaces that import the module.
    private static readonly Lazy<ModuleLoadContext> Instance = new(Begin);

    private readonly string[] _folders;

    private ModuleLoadContext()
        : base("MemLoad")
    {
        string folder = Path.GetDirectoryName(typeof(ModuleLoadContext).Assembly.Location)!;
        _folders = [Path.Combine(folder, "native", System), folder, Path.Combine(folder, "torch")];
    }

    // The package has the library for each system with native code (build.ps1), which starts faster. Without it, the library is compiled at
    // run time. The name is that of .NET (the portable runtime identifiers), even if a distribution built the runtime.
    private static string System =>
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-"
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    /// <summary>Makes this context resolve the library from now on.</summary>
    /// <exception cref="InvalidOperationException">The default context holds a later version of the library, which the runtime would bind
    /// the cmdlets to.</exception>
    public static void Use() => _ = Instance.Value;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        // No folder contains the assemblies of the framework. They come from the default context.
        string? file = _folders.Select(folder => Path.Combine(folder, assemblyName.Name + ".dll")).FirstOrDefault(File.Exists);
        return file is null ? null : LoadFromAssemblyPath(file);
    }

    private static ModuleLoadContext Begin()
    {
        AssemblyName? later = Default.Assemblies.Select(assembly => assembly.GetName())
            .FirstOrDefault(name => name.Name == Library && name.Version > OwnVersion);
        if (later is not null)
        {
            throw new InvalidOperationException(
                $"Another module has loaded {Library} {later.Version}, and this MemLoad is {OwnVersion}. "
                + "Import MemLoad first, or in another process.");
        }
        var context = new ModuleLoadContext();
        // The runtime calls this if the default context holds no assembly of the name, or a lower version. The version is compared, so that
        // another module with another version of a library gets its own version.
        Default.Resolving += (_, name) => name.Name == Library && name.Version == OwnVersion ? context.LoadFromAssemblyName(name) : null;
        return context;
    }
}
