using System.Runtime.CompilerServices;

namespace MemLoad.Cli;

/// <summary>The measured child: requests in on standard input, rows out on standard output, nothing else loaded.</summary>
internal static class WorkerEntry
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Run() => MeasurementWorker.Run(Console.OpenStandardInput(), Console.OpenStandardOutput());
}
