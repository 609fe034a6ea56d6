using System.Collections;
using System.Runtime.InteropServices;

namespace MemLoad.Cli;

/// <summary>
/// Restarts the program under a limit on address space (<c>ulimit -v</c>). There the runtime reserves half of the limit for its heap, and
/// the C library reserves an arena per thread. What remains may not be enough even for an error message. Both can only be configured at the
/// start of a process.
/// </summary>
internal static unsafe partial class AddressSpace
{
    private const int AddressSpaceLimit = 9; // RLIMIT_AS of Linux on the architectures that .NET runs on
    private const string HeapSetting = "DOTNET_GCRegionRange";

    /// <summary>
    /// Starts this program again in place of this process, with settings for a limited address space. Returns if there is no such limit, or
    /// if the settings are already set.
    /// </summary>
    public static void Prepare()
    {
        ulong* limit = stackalloc ulong[2]; // soft, hard
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable(HeapSetting) is not null
            || Environment.ProcessPath is not string program || GetLimit(AddressSpaceLimit, limit) != 0 || limit[0] > long.MaxValue)
        {
            return;
        }
        var settings = new Dictionary<string, string>(WorkerCommand.SettingsForAddressSpace((long)limit[0]), StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            settings.TryAdd((string)variable.Key, (string?)variable.Value ?? "");
        }
        // Under "dotnet memload.dll" the first argument is the assembly. For the program itself it is its own path.
        string[] arguments = Environment.GetCommandLineArgs();
        bool dotnet = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        nint[] argumentList = List([program, .. dotnet ? arguments : arguments[1..]]);
        nint[] environment = List(settings.Select(setting => $"{setting.Key}={setting.Value}"));
        fixed (nint* argv = argumentList, envp = environment)
        {
            // The call returns only if it failed. The program then continues without the settings.
            _ = Execute(program, argv, envp);
        }
    }

    // Null-terminated, as execve(2) requires. They are needed until the call replaces the process.
    private static nint[] List(IEnumerable<string> texts) => [.. texts.Select(Marshal.StringToCoTaskMemUTF8), 0];

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, ulong* limit);

    [LibraryImport("libc", EntryPoint = "execve", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, nint* arguments, nint* environment);
}
