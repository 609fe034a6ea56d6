using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace MemLoad;

/// <summary>
/// Finds the devices of libtorch, which come in an assembly that this one knows by name only: beside this one where a program references both,
/// else in the folder <c>torch</c> next to it. Nothing is loaded before one of them is asked for, and where it is not there nothing happens.
/// </summary>
internal static class TorchAssembly
{
    private const string FileName = "MemLoad.Torch.dll";
    private const string ProviderName = "MemLoad.Torch.TorchDeviceProvider";

    private static readonly Lazy<(IDeviceProvider? Provider, string Reason)> Loaded = new(Load);

    /// <summary>Where it is, or null.</summary>
    public static string? Location { get; } = Find();

    /// <summary>Whether the libtorch that would be loaded has a part for cards, as far as its files tell.</summary>
    public static bool HasCuda
    {
        get
        {
            if (Location is null)
            {
                return false;
            }
            string own = Path.GetDirectoryName(Location)!;
            string? named = Environment.GetEnvironmentVariable("MEMLOAD_LIBTORCH");
            string[] folders = named is { Length: > 0 }
                ? [named, Path.Combine(named, "lib")]
                : [Path.Combine(own, "libtorch")];
            string file = OperatingSystem.IsWindows() ? "torch_cuda.dll" : "libtorch_cuda.so";
            return Array.Exists(folders, folder => File.Exists(Path.Combine(folder, file)));
        }
    }

    /// <summary>What keeps a device of libtorch from being used as long as the assembly is not there.</summary>
    public static string ReasonWithout(string device) =>
        !RuntimeFeature.IsDynamicCodeSupported
            ? "needs TorchSharp, which this program can never load: it is native code; a build on .NET and the module can"
            : $"needs the TorchSharp build of MemLoad, which is not here: in a clone, ./build.ps1 -Torch {BuildFor(device)} makes it";

    /// <summary>What keeps a device from being used whose assembly does not fit this one.</summary>
    public static string ReasonOfVersion => $"cannot be used: {Location} was built for another version of MemLoad; build it again";

    /// <summary>Its devices; null where it is not there or cannot be loaded, and then why.</summary>
    public static IDeviceProvider? TryLoad(out string reason)
    {
        (IDeviceProvider? provider, reason) = Loaded.Value;
        return provider;
    }

    private static string BuildFor(string device) =>
        device == "torch:cpu" ? "cpu" : OperatingSystem.IsWindows() ? "cuda-windows" : "cuda-linux";

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "In a single file there is no folder to look into; an empty location is handled.")]
    private static string? Find()
    {
        string own = typeof(TorchAssembly).Assembly.Location;
        string folder = own.Length > 0 ? Path.GetDirectoryName(own)! : AppContext.BaseDirectory;
        string[] places = [Path.Combine(folder, FileName), Path.Combine(folder, "torch", FileName)];
        return Array.Find(places, File.Exists);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The assembly is a file of its own, which nobody trimmed.")]
    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "As above.")]
    private static (IDeviceProvider? Provider, string Reason) Load()
    {
        if (Location is null)
        {
            return (null, "");
        }
        try
        {
            // The context of this very assembly, so that both see the same types; what the other needs lies in its folder.
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
