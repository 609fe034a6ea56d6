using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace MemLoad.Torch;

/// <summary>
/// Loads libtorch and TorchSharp's bridge to it, once and from where they lie: the folder that MEMLOAD_LIBTORCH names, then that of this
/// assembly. TorchSharp's own search is never begun, since it ends with text on the console and a copy of the libraries.
/// </summary>
internal static class LibTorch
{
    /// <summary>The variable that names an existing libtorch.</summary>
    public const string FolderVariable = "MEMLOAD_LIBTORCH";

    private const string Bridge = "LibTorchSharp";

    // In the order in which they need each other; those of CUDA where they are. What else they need lies beside them and is found by them.
    private static readonly string[] Libraries = OperatingSystem.IsWindows()
        ? ["c10", "torch_cpu", "cudnn_graph64_9", "cudnn_ops64_9", "cudnn_cnn64_9", "cudnn_adv64_9", "nvrtc64_120_0", "cublasLt64_12", "c10_cuda", "torch_cuda", "torch"]
        : ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];

    private static readonly Lazy<string?> Loading = new(Load);

    /// <summary>Why it cannot be used; null if it was loaded.</summary>
    public static string? WhyNot => Loading.Value;

    /// <summary>The file of libtorch itself (or of the bridge, if the system found libtorch for it).</summary>
    public static string Location { get; private set; } = "";

    /// <summary>Whether this libtorch computes on cards.</summary>
    public static bool HasCuda { get; private set; }

    /// <summary>TorchSharp's version and, if its files tell, libtorch's.</summary>
    public static string Versions
    {
        get
        {
            string sharp = typeof(torch).Assembly.GetName().Version?.ToString(3) ?? "unknown";
            return LibraryVersion() is string version ? $"TorchSharp {sharp}, libtorch {version}" : $"TorchSharp {sharp}";
        }
    }

    /// <exception cref="MemLoadException">ML7004: it cannot be used.</exception>
    public static void Require(string device)
    {
        if (WhyNot is string reason)
        {
            throw Rules.DeviceAbsent.Broken($"the device '{device}' cannot be used: {reason}");
        }
    }

    private static string? Load()
    {
        string? named = Environment.GetEnvironmentVariable(FolderVariable);
        string own = Path.GetDirectoryName(typeof(LibTorch).Assembly.Location) ?? AppContext.BaseDirectory;
        string[] folders =
        [
            .. named is { Length: > 0 } ? [named, Path.Combine(named, "lib")] : Array.Empty<string>(),
            own,
            Path.Combine(own, "runtimes", RuntimeInformation.RuntimeIdentifier, "native"),
        ];
        if (named is { Length: > 0 } && !folders.Take(2).Any(folder => FindIn(folder, "torch_cpu") is not null))
        {
            return $"{FolderVariable} is '{named}', and there is no {FileName("torch_cpu")} in it or in its folder lib";
        }
        if (Find(folders, Bridge) is not string bridge)
        {
            return $"{FileName(Bridge)} is not in {own}";
        }
        try
        {
            nint computing = 0;
            nint bridgeHandle = 0;
            SignalHandlers.KeepWhile(() => (computing, bridgeHandle) = LoadAll(folders, bridge));
            Location = Location.Length > 0 ? Location : LoadedFrom("torch_cpu") ?? bridge;
            SetUp(bridgeHandle);
            // Where the system found libtorch, the bridge leads to it.
            return TensorMemory.FindFunctions(computing != 0 ? computing : bridgeHandle) ? null : $"{Location} is too old: it has no view of a tensor as another type";
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // The runtime's advice comes first, what the system said last.
            return $"libtorch does not load: {e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1].TrimEnd('.')}";
        }
    }

    private static (nint Computing, nint Bridge) LoadAll(string[] folders, string bridge)
    {
        nint computing = 0;
        foreach (string library in Libraries)
        {
            // One folder's libtorch, never two mixed: the first that has its core.
            if (Find(folders.SkipWhile(folder => FindIn(folder, "torch_cpu") is null).Take(1), library) is string file)
            {
                nint handle = NativeLibrary.Load(file);
                (computing, Location) = library == "torch_cpu" ? (handle, file) : (computing, Location);
                HasCuda |= library == "torch_cuda";
            }
        }
        return (computing, NativeLibrary.Load(bridge));
    }

    private static void SetUp(nint bridge)
    {
        DllImportResolver resolve = (name, _, _) => name == Bridge ? bridge : CudaDriver.Resolve(name);
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, resolve);
        NativeLibrary.SetDllImportResolver(typeof(LibTorch).Assembly, resolve);
        // It is loaded: TorchSharp need not look for it, in the wrong folder perhaps. (Other versions look, and find what is loaded.)
        foreach (string done in (string[])["nativeBackendLoaded", "nativeBackendCudaLoaded"])
        {
            typeof(torch).GetField(done, BindingFlags.Static | BindingFlags.NonPublic)?.SetValue(null, true);
        }
    }

    private static string? LoadedFrom(string library)
    {
        using var process = Process.GetCurrentProcess();
        return process.Modules.Cast<ProcessModule>().FirstOrDefault(module => module.ModuleName.StartsWith(FileName(library), StringComparison.OrdinalIgnoreCase))?.FileName;
    }

    private static string? Find(IEnumerable<string> folders, string library) =>
        folders.Select(folder => FindIn(folder, library)).FirstOrDefault(file => file is not null);

    // Linux distributions add the version to the name: libc10.so.2.6.
    private static string? FindIn(string folder, string library)
    {
        string file = Path.Combine(folder, FileName(library));
        return File.Exists(file) ? file
            : OperatingSystem.IsLinux() && Directory.Exists(folder) ? Directory.EnumerateFiles(folder, FileName(library) + ".*").Order(StringComparer.Ordinal).FirstOrDefault()
            : null;
    }

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    private static string? LibraryVersion()
    {
        // libtorch's archive has a file with its version above the libraries, Python's package one beside that.
        string folder = Path.GetDirectoryName(Location)!;
        string note = Path.Combine(folder, "..", "build-version");
        if (File.Exists(note))
        {
            return File.ReadAllText(note).Trim();
        }
        int suffix = Location.LastIndexOf(".so.", StringComparison.Ordinal);
        return suffix > 0 ? Location[(suffix + ".so.".Length)..] : null;
    }
}
