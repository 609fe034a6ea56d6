namespace MemLoad;

/// <summary>The command that starts the measured process: the running program, as a worker.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="StartupHook">The path of this library if a startup hook makes the program a worker; null if the arguments do.</param>
public sealed record WorkerCommand(string FileName, IReadOnlyList<string> Arguments, string? StartupHook = null)
{
    /// <summary>The argument that makes <c>memload</c> a worker.</summary>
    public const string Verb = "worker";

    // The managed heap holds only names and plans: a few hundred bytes per tensor.
    private const long HeapParts = 16;
    private const long LeastHeapBytes = 128L << 20;
    private const long MostHeapBytes = 1L << 30;

    /// <summary>
    /// Environment variables for a .NET process with a limited address space. Without them the runtime reserves half of it for its heap,
    /// and the C library reserves 64 MiB per thread.
    /// </summary>
    /// <param name="limitBytes">The limit (<c>ulimit -v</c>).</param>
    public static IReadOnlyDictionary<string, string> SettingsForAddressSpace(long limitBytes) => new Dictionary<string, string>
    {
        ["DOTNET_GCRegionRange"] =
            Math.Clamp(limitBytes / HeapParts, LeastHeapBytes, MostHeapBytes).ToString("x", CultureInfo.InvariantCulture),
        ["MALLOC_ARENA_MAX"] = "1",
    };

    /// <summary>Returns the command for this program: its own executable, or <c>dotnet</c> with its assembly.</summary>
    /// <exception cref="MemLoadException">ML8011: the running program cannot be found.</exception>
    public static WorkerCommand ForThisProgram()
    {
        string? program = Environment.ProcessPath;
        // Under "dotnet memload.dll" the first argument is the assembly.
        string assembly = Environment.GetCommandLineArgs()[0];
        if (program is null)
        {
            throw Rules.WorkerFailed.Broken("the path of the running program is not known");
        }
        bool dotnet = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        return new WorkerCommand(program, dotnet ? [assembly, Verb] : [Verb]);
    }
}
