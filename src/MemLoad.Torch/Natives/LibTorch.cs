using System.Reflection;
using System.Text.RegularExpressions;

namespace MemLoad.Torch;

/// <summary>
/// Loads libtorch and the bridge of TorchSharp once, in place. The libraries of libtorch are in the folder that MEMLOAD_LIBTORCH names, or
/// in the folder libtorch next to this assembly. The bridge is loaded from the folder bridge. The search of TorchSharp is not used, because
/// it writes text to the console and copies the libraries. A libtorch of another version than that of the bridge is refused before the
/// bridge is loaded, because together they would end the process.
/// </summary>
internal static partial class LibTorch
{
    /// <summary>The variable that names an existing libtorch.</summary>
    public const string FolderVariable = TorchAssembly.FolderVariable;

    private const string Core = "torch_cpu";
    private const string Bridge = "LibTorchSharp";

    // The libraries are in dependency order, with the CUDA libraries if they exist. Other dependencies are in the folder of the libraries,
    // which find them.
    private static readonly string[] Libraries = OperatingSystem.IsWindows()
        ?
        [
            "c10", Core, "cudnn_graph64_9", "cudnn_ops64_9", "cudnn_cnn64_9", "cudnn_adv64_9", "nvrtc64_120_0", "cublasLt64_12",
            "c10_cuda", "torch_cuda", "torch",
        ]
        : ["c10", Core, "c10_cuda", "torch_cuda", "torch"];

    private static readonly Lazy<string?> Loading = new(Load);

    /// <summary>The reason why libtorch cannot be used. Null if it was loaded.</summary>
    public static string? WhyNot => Loading.Value;
    public static string Location { get; private set; } = "";

    /// <summary>Whether this libtorch computes on cards.</summary>
    public static bool HasCuda { get; private set; }

    /// <summary>The version of TorchSharp and the version of the loaded libtorch.</summary>
    public static string Versions { get; private set; } = "";

    // The version for which the bridge was compiled.
    private static Version Expected { get; } = Version.Parse(
        typeof(LibTorch).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(value => value.Key == "LibTorchVersion").Value!);

    /// <exception cref="MemLoadException">ML7004: libtorch cannot be used.</exception>
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
        string? bridge = FindIn(Path.Combine(own, "bridge"), Bridge);
        if (bridge is null)
        {
            return $"{FileName(Bridge)} is not in {Path.Combine(own, "bridge")}";
        }
        string[] folders = TorchAssembly.LibTorchFolders(own);
        string? folder = Array.Find(folders, candidate => FindIn(candidate, Core) is not null);
        if (folder is null)
        {
            return named is { Length: > 0 }
                ? $"{FolderVariable} is '{named}', and there is no {FileName(Core)} in it or in its folder lib"
                : $"there is no libtorch in {folders[0]}; {FolderVariable} can name the folder of one of version {Expected.ToString(2)}";
        }
        string core = FindIn(folder, Core)!;
        if (NativeFile.ReadArchitecture(core) is Architecture other && other != RuntimeInformation.ProcessArchitecture)
        {
            return $"{core} is for {Name(other)}, and this process is for {Name(RuntimeInformation.ProcessArchitecture)}";
        }
        if (RecordedVersion(folder) is Version noted && !Fits(noted))
        {
            return OtherVersion(core, noted.ToString());
        }
        try
        {
            string? reason = null;
            SignalHandlers.KeepWhile(() => reason = LoadAll(folder, bridge));
            Location = core;
            return reason;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return OperatingSystem.IsWindows() && MissingRuntime(folder, Environment.SystemDirectory) is string missing
                ? $"libtorch needs {missing} of the Microsoft Visual C++ runtime, which is not installed: winget install "
                    + $"Microsoft.VCRedist.2015+.x64"
                : WhyNotLoaded(e.Message);
        }
    }

    private static string? LoadAll(string folder, string bridge)
    {
        nint computing = 0;
        foreach (string library in Libraries)
        {
            if (FindIn(folder, library) is not string file)
            {
                continue;
            }
            nint handle = NativeLibrary.Load(file);
            HasCuda |= library == "torch_cuda";
            if (library == Core)
            {
                computing = handle;
                // Checked before libraries that depend on it are loaded.
                if (LoadedVersion(handle) is not Version version)
                {
                    return OtherVersion(file, "older than 2.9");
                }
                if (!Fits(version))
                {
                    return OtherVersion(file, version.ToString());
                }
                Versions = $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3) ?? "unknown"}, libtorch {version}";
            }
        }
        SetUp(NativeLibrary.Load(bridge));
        return TensorMemory.FindFunctions(computing) ? null : $"{FindIn(folder, Core)} has no view of a tensor as another type";
    }

    private static void SetUp(nint bridge)
    {
        DllImportResolver resolve = (name, _, _) => name == Bridge ? bridge : 0;
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, resolve);
        NativeLibrary.SetDllImportResolver(typeof(LibTorch).Assembly, resolve);
        // The library is loaded, so TorchSharp does not need to search for it in another folder. (Other versions search and find the loaded
        // library.)
        foreach (string done in (string[])["nativeBackendLoaded", "nativeBackendCudaLoaded"])
        {
            typeof(torch).GetField(done, BindingFlags.Static | BindingFlags.NonPublic)?.SetValue(null, true);
        }
    }

    // The bridge is C++ code for one version. The required symbols change with the second number of the version.
    private static bool Fits(Version version) => version.Major == Expected.Major && version.Minor == Expected.Minor;

    private static string OtherVersion(string file, string version) =>
        $"{file} is libtorch {version}, and this build of TorchSharp needs libtorch {Expected.ToString(2)}";

    // libtorch reports its version since 2.9 (torch/csrc/inductor/aoti_torch/c/shim.h): major, minor and patch, one byte each from the
    // highest.
    private static unsafe Version? LoadedVersion(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "aoti_torch_abi_version", out nint function))
        {
            return null;
        }
        ulong packed = ((delegate* unmanaged<ulong>)function)();
        return new Version((int)(packed >> 56), (int)(packed >> 48) & 0xff, (int)(packed >> 40) & 0xff);
    }

    // The archive of libtorch has a file with the version above the libraries. The Python package has a module. Distributions add the
    // version to the library name.
    private static Version? RecordedVersion(string folder)
    {
        string above = Path.Combine(folder, "..");
        string text = ReadIfThere(Path.Combine(above, "build-version")) ?? ReadIfThere(Path.Combine(above, "version.py"))
            ?? Path.GetFileName(FindIn(folder, Core))!;
        Match match = VersionText().Match(text);
        return match.Success ? Version.Parse(match.Value) : null;
    }

    private static string? ReadIfThere(string file) => File.Exists(file) ? File.ReadAllText(file) : null;

    // Windows reports that a library is missing, but not which one.
    internal static string? MissingRuntime(string folder, string system) =>
        Array.Find(["vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll"], file =>
            !File.Exists(Path.Combine(folder, file)) && !File.Exists(Path.Combine(system, file)));

    // The text begins with the advice of the runtime. Its last line is the message of the system.
    private static string WhyNotLoaded(string message)
    {
        string last = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1].TrimEnd('.');
        Match missing = MissingSymbolVersion().Match(message);
        return missing.Success
            ? $"{missing.Groups["user"].Value} needs {missing.Groups["version"].Value}, which {missing.Groups["library"].Value} of this "
                + "system does not have; it needs the C++ library of GCC 12 or newer (Debian 12, Ubuntu 22.04)"
            : $"libtorch does not load: {last}";
    }

    private static string Name(Architecture architecture) => architecture.ToString().ToLowerInvariant();

    // Linux distributions add the version to the name: libc10.so.2.6.
    private static string? FindIn(string folder, string library)
    {
        string file = Path.Combine(folder, FileName(library));
        return File.Exists(file) ? file
            : OperatingSystem.IsLinux() && Directory.Exists(folder)
                ? Directory.EnumerateFiles(folder, FileName(library) + ".*").Order(StringComparer.Ordinal).FirstOrDefault()
            : null;
    }

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    [GeneratedRegex(@"\d+\.\d+(\.\d+)?")]
    private static partial Regex VersionText();

    // glibc: <library>: version `<version>' not found (required by <user>)
    [GeneratedRegex(@"(?<library>/\S+): version `(?<version>[^']+)' not found \(required by (?<user>[^)]+)\)")]
    private static partial Regex MissingSymbolVersion();
}
