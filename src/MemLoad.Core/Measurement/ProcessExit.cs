namespace MemLoad;

/// <summary>Explains why a measured process ended.</summary>
internal static class ProcessExit
{
    private const int FirstSignal = 128;
    private const int Sigkill = FirstSignal + 9;
    private const int LongestLine = 300;

    /// <summary>Returns the row of a load whose process ended without an answer.</summary>
    /// <param name="row">The row as it began.</param>
    /// <param name="exitCode">The exit code of the process.</param>
    /// <param name="oomKill">Whether the kernel killed a process in the meantime because memory ran out.</param>
    /// <param name="complaints">The text that the process wrote to standard error.</param>
    public static LoadMeasurement Explain(LoadMeasurement row, int exitCode, bool oomKill, string complaints)
    {
        const int Sigabrt = FirstSignal + 6;
        int sigbus = FirstSignal + (OperatingSystem.IsMacOS() ? 10 : 7);
        string first = Printable.Line(
            complaints.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "",
            LongestLine);
        // A process that ended in another way was not the one that the kernel killed.
        if (oomKill && exitCode == Sigkill)
        {
            return row.Ended(LoadOutcome.OutOfMemory,
                Rules.WorkerOutOfMemory.Broken("the kernel killed the measured process because the system had no free memory"));
        }
        if (complaints.Contains("Out of memory", StringComparison.OrdinalIgnoreCase))
        {
            return row.Ended(LoadOutcome.OutOfMemory, Rules.WorkerOutOfMemory.Broken($"the measured process ran out of memory ({first})"));
        }
        // If managed code touched the page, the runtime reports the signal in its own words.
        if (exitCode == sigbus || (exitCode == Sigabrt && complaints.Contains(nameof(AccessViolationException), StringComparison.Ordinal)))
        {
            return row.Ended(LoadOutcome.Killed, Rules.WorkerLostMapping.Broken(
                "the measured process touched mapped bytes that no longer exist (SIGBUS): the file became shorter meanwhile, or its "
                    + "disk could not be read",
                row.Path));
        }
        string said = first.Length > 0 ? $": {first}" : "";
        if (OperatingSystem.IsWindows())
        {
            (LoadOutcome outcome, MemLoadException why) = WindowsExitCode.Explain(exitCode, first, row.Path);
            return row.Ended(outcome, why);
        }
        return SignalOf(exitCode) is string signal
            ? row.Ended(LoadOutcome.Killed, Rules.WorkerKilled.Broken($"the measured process was ended by signal {signal}{said}"))
            : row.Ended(LoadOutcome.Failed, Rules.WorkerFailed.Broken($"the measured process ended with code {exitCode}{said}"));
    }

    /// <summary>
    /// The signal that ended a process, with its name if it is a common one; null if the process ended by itself. The exit code is above
    /// 128 for a signal, as in a shell.
    /// </summary>
    public static string? SignalOf(int exitCode)
    {
        string name = exitCode == Sigkill ? " (SIGKILL)" : "";
        return exitCode <= FirstSignal ? null : string.Create(CultureInfo.InvariantCulture, $"{exitCode - FirstSignal}{name}");
    }
}
