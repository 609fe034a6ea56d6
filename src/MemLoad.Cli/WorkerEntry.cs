using System.Runtime.CompilerServices;

namespace MemLoad.Cli;

/// <summary>
/// The measured child process: reads a request from standard input, writes rows to standard output, and loads nothing else.
/// </summary>
internal static class WorkerEntry
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Run() => MeasurementWorker.Run(Console.OpenStandardInput(), Console.OpenStandardOutput());
}
