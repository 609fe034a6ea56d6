using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;

namespace MemLoad.Cli;

/// <summary>
/// Under a limit on address space (<c>ulimit -v</c>) the runtime takes half of it for its heap, and the C library an arena for each thread: what
/// is left may not even be enough to end with a message. Both can only be told at the start of a process, so the program starts itself once more.
/// </summary>
internal static unsafe partial class AddressSpace
{
    private const int AddressSpaceLimit = 9; // RLIMIT_AS of Linux on the architectures that .NET runs on
    private const string HeapSetting = "DOTNET_GCRegionRange";

    /// <summary>Starts this program again in its own place, with the settings that a limited address space calls for; returns where there is no
    /// such limit, or they are set already.</summary>
    public static void SettleIn()
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
        // Under "dotnet memload.dll" the first argument is the assembly; of the program itself it is its own path.
        string[] arguments = Environment.GetCommandLineArgs();
        bool dotnet = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        nint[] argumentList = List([program, .. dotnet ? arguments : arguments[1..]]);
        nint[] environment = List(settings.Select(setting => string.Create(CultureInfo.InvariantCulture, $"{setting.Key}={setting.Value}")));
        fixed (nint* argv = argumentList, envp = environment)
        {
            // Returns only if it failed; then things stay as they are.
            _ = Execute(program, argv, envp);
        }
    }

    // Null-terminated, as execve(2) wants them. They are needed until the process is another.
    private static nint[] List(IEnumerable<string> texts) => [.. texts.Select(Marshal.StringToCoTaskMemUTF8), 0];

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, ulong* limit);

    [LibraryImport("libc", EntryPoint = "execve", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, nint* arguments, nint* environment);
}
