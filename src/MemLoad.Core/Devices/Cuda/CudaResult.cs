namespace MemLoad;

/// <summary>Converts results of the CUDA driver API (CUresult) to errors of MemLoad.</summary>
internal static unsafe class CudaResult
{
    public const int Success = 0;
    public const int OutOfMemory = 2;
    public const int NoDevice = 100;

    // The card, or the driver as it is installed, cannot be used by this process. The work itself did not cause the error.
    private static readonly HashSet<int> Absent =
    [
        3, // NOT_INITIALIZED
        34, // STUB_LIBRARY
        36, // CALL_REQUIRES_NEWER_DRIVER
        46, // DEVICE_UNAVAILABLE: another process uses the card exclusively
        NoDevice,
        101, // INVALID_DEVICE
        102, // DEVICE_NOT_LICENSED
        800, // NOT_PERMITTED
        801, // NOT_SUPPORTED
        802, // SYSTEM_NOT_READY
        803, // SYSTEM_DRIVER_MISMATCH
        804, // COMPAT_NOT_SUPPORTED_ON_DEVICE
        805, 806, 807, 808, 809, // MPS
    ];

    /// <summary>
    /// Throws unless a call succeeded. <paramref name="purpose"/> says what the call was for, as the object of "could not".
    /// </summary>
    /// <exception cref="MemLoadException">ML7002 if device memory ran out, ML7004 if the card cannot be used, otherwise ML7008.</exception>
    public static void Check(CudaFunctions functions, int result, string purpose, string device)
    {
        if (result != Success)
        {
            Rule rule = result == OutOfMemory ? Rules.DeviceMemoryExhausted
                : Absent.Contains(result) ? Rules.DeviceAbsent : Rules.DeviceFailed;
            throw rule.Broken($"the CUDA driver could not {purpose} on '{device}': {Describe(functions, result)}");
        }
    }

    /// <summary>Returns the name, the text and the number of a result, as the driver gives them.</summary>
    public static string Describe(CudaFunctions functions, int result)
    {
        byte* name = null;
        byte* text = null;
        string? known = functions.GetErrorName(result, &name) == Success ? Marshal.PtrToStringUTF8((nint)name) : "unknown error";
        string words = functions.GetErrorText(result, &text) == Success ? $" ({Marshal.PtrToStringUTF8((nint)text)})" : "";
        return $"{known}{words}, error {result}";
    }
}
