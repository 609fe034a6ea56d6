using System.Runtime.InteropServices;

namespace MemLoad.Torch;

/// <summary>The functions of the CUDA driver that TorchSharp does not provide: streams, pinning, copies by address, free memory.</summary>
internal static unsafe partial class CudaDriver
{
    private const string Library = "cuda-driver";

    // CU_STREAM_DEFAULT: synchronizes with the default stream, which libtorch uses.
    private const uint BlockingStream = 0;

    // CU_MEMHOSTREGISTER_PORTABLE: pinned for every context.
    private const uint Portable = 1;

    // CUDA_ERROR_OUT_OF_MEMORY.
    private const int OutOfMemory = 2;

    /// <summary>Sets the path of the driver. Called once, before the other functions.</summary>
    public static nint Resolve(string name) =>
        name == Library && (OperatingSystem.IsWindows()
            ? NativeLibrary.TryLoad("nvcuda.dll", typeof(CudaDriver).Assembly, DllImportSearchPath.System32, out nint driver) // not from the current folder
            : NativeLibrary.TryLoad("libcuda.so.1", out driver)) ? driver : 0;

    /// <summary>Sets the primary context of a card, which libtorch uses, for the calling thread.</summary>
    public static void Enter(nint context) => Check(SetContext(context), "enter a context");

    public static (int Device, nint Context) Retain(int number)
    {
        Check(Init(0), "start");
        Check(GetDevice(out int device, number), "find the card");
        Check(RetainContext(out nint context, device), "open a context");
        return (device, context);
    }

    public static void Release(int device) => _ = ReleaseContext(device);

    public static string NameOf(int device)
    {
        byte* text = stackalloc byte[128];
        return GetName(text, 128, device) == 0 ? Marshal.PtrToStringUTF8((nint)text)! : "a card without a name";
    }

    public static string BusIdOf(int device)
    {
        byte* text = stackalloc byte[32];
        return GetBusId(text, 32, device) == 0 ? Marshal.PtrToStringUTF8((nint)text)! : "";
    }

    public static (long Free, long Total) Memory()
    {
        Check(GetMemory(out nuint free, out nuint total), "ask for free memory");
        return ((long)free, (long)total);
    }

    public static nint CreateStream()
    {
        Check(NewStream(out nint stream, BlockingStream), "open a stream");
        return stream;
    }

    public static void DestroyStream(nint stream) => _ = DeleteStream(stream);

    public static void Upload(nint stream, nint card, nint host, long bytes)
    {
        Check(CopyToCard((ulong)card, host, (nuint)bytes, stream), "copy to the card");
        Check(Wait(stream), "copy to the card");
    }

    public static void Download(nint stream, nint host, nint card, long bytes)
    {
        Check(CopyToHost(host, (ulong)card, (nuint)bytes, stream), "copy from the card");
        Check(Wait(stream), "copy from the card");
    }

    public static void CopyInside(nint stream, nint target, nint source, long bytes)
    {
        Check(CopyOnCard((ulong)target, (ulong)source, (nuint)bytes, stream), "copy on the card");
        Check(Wait(stream), "copy on the card");
    }

    public static bool TryPin(nint host, long bytes) => Register(host, (nuint)bytes, Portable) == 0;

    public static void Unpin(nint host) => _ = Unregister(host);

    private static void Check(int result, string purpose)
    {
        if (result != 0)
        {
            string reason = GetErrorText(result, out nint text) == 0 ? Marshal.PtrToStringUTF8(text) ?? "" : "";
            Rule rule = result == OutOfMemory ? Rules.DeviceMemoryExhausted : Rules.TorchFailed;
            throw rule.Broken($"the CUDA driver could not {purpose}: {reason} (error {result})");
        }
    }

    [LibraryImport(Library, EntryPoint = "cuInit")]
    private static partial int Init(uint flags);

    [LibraryImport(Library, EntryPoint = "cuDeviceGet")]
    private static partial int GetDevice(out int device, int number);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetName")]
    private static partial int GetName(byte* name, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDeviceGetPCIBusId")]
    private static partial int GetBusId(byte* id, int length, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRetain")]
    private static partial int RetainContext(out nint context, int device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    private static partial int ReleaseContext(int device);

    [LibraryImport(Library, EntryPoint = "cuCtxSetCurrent")]
    private static partial int SetContext(nint context);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    private static partial int GetMemory(out nuint free, out nuint total);

    [LibraryImport(Library, EntryPoint = "cuStreamCreate")]
    private static partial int NewStream(out nint stream, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    private static partial int DeleteStream(nint stream);

    [LibraryImport(Library, EntryPoint = "cuStreamSynchronize")]
    private static partial int Wait(nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    private static partial int CopyToCard(ulong card, nint host, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    private static partial int CopyToHost(nint host, ulong card, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    private static partial int CopyOnCard(ulong target, ulong source, nuint bytes, nint stream);

    [LibraryImport(Library, EntryPoint = "cuMemHostRegister_v2")]
    private static partial int Register(nint host, nuint bytes, uint flags);

    [LibraryImport(Library, EntryPoint = "cuMemHostUnregister")]
    private static partial int Unregister(nint host);

    [LibraryImport(Library, EntryPoint = "cuGetErrorString")]
    private static partial int GetErrorText(int error, out nint text);
}
