namespace MemLoad;

/// <summary>How to start the process that will be measured: the host that is already running, told to be a worker.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record WorkerCommand(string FileName, IReadOnlyList<string> Arguments)
{
    /// <summary>The argument that makes <c>memload</c> a worker.</summary>
    public const string Verb = "worker";

    /// <summary>This very program: its own executable, or <c>dotnet</c> with its assembly.</summary>
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
