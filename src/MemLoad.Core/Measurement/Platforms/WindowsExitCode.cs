namespace MemLoad;

/// <summary>
/// The meaning of the exit code of a process on Windows, which has no signals. A program that ends another process chooses the exit code.
/// If the system ends a process, the exit code is an NTSTATUS (ntstatus.h).
/// </summary>
internal static class WindowsExitCode
{
    private const uint AnError = 0xC0000000; // the two highest bits of an NTSTATUS
    private const uint AResult = 0x80000000; // the highest bit of an HRESULT, which programs end with
    private const uint OfTheRuntime = 0x8013; // upper half of the HRESULT of a .NET runtime that ended itself
    private const uint AccessViolation = 0xC0000005;
    private const uint InPageError = 0xC0000006;
    private const uint NoMemory = 0xC0000017;
    private const uint InsufficientResources = 0xC000009A;
    private const uint CommitmentLimit = 0xC000012D;
    private const uint ControlC = 0xC000013A;
    private const uint DllNotFound = 0xC0000135;
    private const uint DllInitFailed = 0xC0000142;
    private const uint QuotaExceeded = 0xC0000044;
    private const uint FailFast = 0xC0000409;
    private const uint UnhandledException = 0xE0434352; // of .NET
    private const uint KilledByParent = uint.MaxValue; // Process.Kill of .NET
    private const uint KilledByTool = 1; // taskkill and the task manager

    /// <summary>Returns the outcome of a measured process that ended without an answer.</summary>
    /// <param name="exitCode">The exit code from the system.</param>
    /// <param name="said">The first line that it wrote to standard error. It can be empty.</param>
    /// <param name="path">The checkpoint.</param>
    public static (LoadOutcome Outcome, MemLoadException Why) Explain(int exitCode, string said, string? path)
    {
        uint code = unchecked((uint)exitCode);
        string number = exitCode.ToString(CultureInfo.InvariantCulture);
        string words = said.Length > 0 ? $": {said}" : "";
        switch (code)
        {
            case NoMemory or InsufficientResources or CommitmentLimit or QuotaExceeded:
                return (LoadOutcome.OutOfMemory,
                    Rules.WorkerOutOfMemory.Broken($"the measured process ended with 0x{code:X8}, no memory can be committed{words}"));
            case InPageError:
                return (LoadOutcome.Killed, Rules.WorkerLostMapping.Broken(
                    $"the measured process touched mapped bytes that could not be read (0x{code:X8}, in-page error): its disk or its "
                        + $"share failed", path));
            case KilledByParent:
            case KilledByTool when said.Length == 0: // memload itself writes a line if it ends with 1
                return (LoadOutcome.Killed,
                    Rules.WorkerKilled.Broken($"the measured process was terminated from outside (exit code {number}){words}"));
            case ControlC:
                return (LoadOutcome.Killed,
                    Rules.WorkerKilled.Broken($"the measured process was interrupted or its console was closed (0x{code:X8}){words}"));
            default:
                string meaning = code switch
                {
                    AccessViolation => ", access violation",
                    DllNotFound => ", a library that it needs is missing",
                    DllInitFailed => ", a library that it needs did not start",
                    FailFast => ", it ended itself",
                    UnhandledException => ", unhandled exception",
                    _ => "",
                };
                string shown = code >= AResult ? $"0x{code:X8}" : $"code {number}";
                return code >= AnError || code >> 16 == OfTheRuntime
                    ? (LoadOutcome.Killed, Rules.WorkerKilled.Broken($"the measured process ended with {shown}{meaning}{words}"))
                    : (LoadOutcome.Failed, Rules.WorkerFailed.Broken($"the measured process ended with {shown}{words}"));
        }
    }
}
