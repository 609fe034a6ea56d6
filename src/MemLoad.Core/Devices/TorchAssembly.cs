using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace MemLoad;

/// <summary>
/// Finds the devices of libtorch in a separate assembly, which this assembly does not reference. It is in the folder of this assembly if a
/// program references both, otherwise in its subfolder <c>torch</c>. It is loaded when one of its devices is requested. If it does not
/// exist, it is ignored.
/// </summary>
internal static class TorchAssembly
{
    private const string FileName = "MemLoad.Torch.dll";
    /// <summary>The variable that names an existing libtorch.</summary>
    public const string FolderVariable = "MEMLOAD_LIBTORCH";

    private const string ProviderName = "MemLoad.Torch.TorchDeviceProvider";

    private static readonly Lazy<(IDeviceProvider? Provider, string Reason)> Loaded = new(Load);

    public static string? Location { get; } = Find();

    /// <summary>Whether the files of the libtorch that would be loaded include the part for cards.</summary>
    public static bool HasCuda
    {
        get
        {
            if (Location is null)
            {
                return false;
            }
            string file = OperatingSystem.IsWindows() ? "torch_cuda.dll" : "libtorch_cuda.so";
            return Array.Exists(LibTorchFolders(Path.GetDirectoryName(Location)!), folder => File.Exists(Path.Combine(folder, file)));
        }
    }

    /// <summary>The reason why a device of libtorch cannot be used without the assembly.</summary>
    public static string ReasonWithout(string device) =>
        !RuntimeFeature.IsDynamicCodeSupported
            ? "needs TorchSharp, which this program can never load: it is native code; a build on .NET and the module can"
            : $"needs the TorchSharp build of MemLoad, which is not installed: in a clone, ./build.ps1 -Torch {BuildFor(device)} builds it";

    /// <summary>The reason why a device cannot be used if its assembly does not match this assembly.</summary>
    public static string ReasonOfVersion => $"cannot be used: {Location} was built for another version of MemLoad; build it again";

    /// <summary>Returns the devices of the assembly. Null, with the reason, if it does not exist or cannot be loaded.</summary>
    public static IDeviceProvider? TryLoad(out string reason)
    {
        (IDeviceProvider? provider, reason) = Loaded.Value;
        return provider;
    }

    /// <summary>Returns the folders in which the libraries of libtorch are looked for.</summary>
    public static string[] LibTorchFolders(string own) =>
        Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named
            ? [named, Path.Combine(named, "lib")] : [Path.Combine(own, "libtorch")];

    private static string BuildFor(string device) =>
        device == "torch:cpu" ? "cpu" : OperatingSystem.IsWindows() ? "cuda-windows" : "cuda-linux";

    [UnconditionalSuppressMessage(
        "SingleFile", "IL3000", Justification = "In a single file there is no folder to look into; an empty location is handled.")]
    private static string? Find()
    {
        string own = typeof(TorchAssembly).Assembly.Location;
        string folder = own.Length > 0 ? Path.GetDirectoryName(own)! : AppContext.BaseDirectory;
        string[] places = [Path.Combine(folder, FileName), Path.Combine(folder, "torch", FileName)];
        return Array.Find(places, File.Exists);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The assembly is a separate file, which is not trimmed.")]
    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "As above.")]
    private static (IDeviceProvider? Provider, string Reason) Load()
    {
        if (Location is null)
        {
            return (null, "");
        }
        try
        {
            // The load context of this assembly, so that both assemblies use the same types. The dependencies of the other assembly are in
            // its folder.
            AssemblyLoadContext context = AssemblyLoadContext.GetLoadContext(typeof(TorchAssembly).Assembly) ?? AssemblyLoadContext.Default;
            string folder = Path.GetDirectoryName(Location)!;
            context.Resolving += (loading, name) =>
                Path.Combine(folder, name.Name + ".dll") is string file && File.Exists(file) ? loading.LoadFromAssemblyPath(file) : null;
            Type provider = context.LoadFromAssemblyPath(Location).GetType(ProviderName, throwOnError: true)!;
            return ((IDeviceProvider)Activator.CreateInstance(provider)!, "");
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or TypeLoadException or InvalidCastException
            or MissingMethodException or TargetInvocationException or PlatformNotSupportedException or NotSupportedException)
        {
            return (null, $"cannot be used: {Location} does not load ({e.GetBaseException().Message.TrimEnd('.')})");
        }
    }
}
