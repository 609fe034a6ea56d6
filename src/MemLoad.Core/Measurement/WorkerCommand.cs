using System.Diagnostics.CodeAnalysis;

namespace MemLoad;

/// <summary>The command that starts the measured process: the running program, as a worker.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="StartupHook">The path of this library if a startup hook makes the program a worker; null if the arguments do.</param>
public sealed record WorkerCommand(string FileName, IReadOnlyList<string> Arguments, string? StartupHook = null)
{
    /// <summary>The argument that makes <c>memload</c> a worker, and any program without startup hooks.</summary>
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

    /// <summary>
    /// Returns the command for this program: its own executable, or <c>dotnet</c> with its assembly. A startup hook of .NET measures before
    /// the main method begins, so that any program can measure.
    /// </summary>
    /// <remarks>
    /// A program that is trimmed, a single file or compiled ahead of time has no startup hooks. It is started with the one argument
    /// <see cref="Verb"/>, for which its main method must return the result of <see cref="MeasurementWorker.Run"/> with the standard input
    /// and the standard output.
    /// </remarks>
    /// <exception cref="MemLoadException">ML8011: the running program cannot be found, or it is a worker and measures again.</exception>
    public static WorkerCommand ForThisProgram() =>
        LibraryForHook() is string library ? ByArgument() with { StartupHook = library }
            : Environment.GetCommandLineArgs() is [_, Verb]
                ? throw Rules.WorkerFailed.Broken(
                    $"the argument {Verb} made this program a worker, and it measures again instead of answering",
                    remedy: "For this argument, return from the main method with the result of MeasurementWorker.Run.")
            : ByArgument();

    /// <summary>Whether a library can be a startup hook. A path that contains the separator cannot be in the variable.</summary>
    internal static bool CanBeHook(string library) => !library.Contains(Path.PathSeparator, StringComparison.Ordinal);

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "The path is empty in a program of a single file.")]
    private static string? LibraryForHook() =>
        typeof(WorkerCommand).Assembly.Location is { Length: > 0 } library && CanBeHook(library)
        && (!AppContext.TryGetSwitch("System.StartupHookProvider.IsSupported", out bool hooks) || hooks) ? library : null;

    /// <summary>Returns the command for this program if the argument <see cref="Verb"/> makes it a worker.</summary>
    /// <exception cref="MemLoadException">ML8011: the running program cannot be found.</exception>
    internal static WorkerCommand ByArgument()
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
