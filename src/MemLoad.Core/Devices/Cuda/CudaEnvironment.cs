namespace MemLoad;

/// <summary>
/// The environment variables that decide which cards CUDA offers and in which order. The driver reads them once, when it starts. A process
/// of .NET has its own copy of the environment: a variable that PowerShell sets reaches children, but not a library in the process.
/// </summary>
internal static partial class CudaEnvironment
{
    private const string Visible = "CUDA_VISIBLE_DEVICES";

    private static readonly string[] Names = [Visible, "CUDA_DEVICE_ORDER"];

    private static string?[]? _published;

    /// <summary>Gives the driver the variables that this process has now. Call it before the driver starts.</summary>
    public static void Publish()
    {
        _published = Current();
        if (OperatingSystem.IsWindows())
        {
            return; // .NET sets the environment of the process there
        }
        for (int i = 0; i < Names.Length; i++)
        {
            _ = _published[i] is string value ? Set(Names[i], value, 1) : Unset(Names[i]);
        }
    }

    /// <summary>
    /// Throws if a variable has changed since the driver started. A child process would then use a different card by the same name.
    /// </summary>
    /// <exception cref="MemLoadException">ML7004.</exception>
    public static void RequireUnchanged()
    {
        if (_published is null)
        {
            return; // the driver was not started through this class
        }
        string?[] now = Current();
        for (int i = 0; i < Names.Length; i++)
        {
            if (now[i] != _published[i])
            {
                throw Rules.DeviceAbsent.Broken(
                    $"{Names[i]} was '{_published[i]}' when the CUDA driver started in this process, and is '{now[i]}' now; "
                        + "the same name would refer to two cards",
                    remedy: "Set the variable back, or start a new process in which it is set from the beginning.");
            }
        }
    }

    /// <summary>Returns a note for messages if a variable limits the cards. Otherwise an empty text.</summary>
    public static string Hiding() => Environment.GetEnvironmentVariable(Visible) is string value ? $"; {Visible} is '{value}'" : "";

    private static string?[] Current() => [.. Names.Select(Environment.GetEnvironmentVariable)];

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Set(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unset(string name);
}
