namespace MemLoad;

/// <summary>
/// The functions of the CUDA driver API that MemLoad calls, found by name at run time. Every driver since release 470 (CUDA 11.4) has them.
/// They return a CUresult.
/// </summary>
internal sealed unsafe class CudaFunctions
{
    public readonly delegate* unmanaged<uint, int> Init;
    public readonly delegate* unmanaged<int*, int> GetVersion;
    public readonly delegate* unmanaged<int, byte**, int> GetErrorName;
    public readonly delegate* unmanaged<int, byte**, int> GetErrorText;

    public readonly delegate* unmanaged<int*, int> CountDevices;
    public readonly delegate* unmanaged<int*, int, int> GetDevice;
    public readonly delegate* unmanaged<byte*, int, int, int> GetName;
    public readonly delegate* unmanaged<byte*, int, int, int> GetBusId;
    public readonly delegate* unmanaged<Guid*, int, int> GetUuid;
    public readonly delegate* unmanaged<nuint*, int, int> GetTotalMemory;
    public readonly delegate* unmanaged<int*, int, int, int> GetAttribute;

    public readonly delegate* unmanaged<nint*, int, int> RetainContext;
    public readonly delegate* unmanaged<int, int> ReleaseContext;
    public readonly delegate* unmanaged<nint, int> PushContext;
    public readonly delegate* unmanaged<nint*, int> PopContext;

    public readonly delegate* unmanaged<nuint*, nuint*, int> GetMemory;
    public readonly delegate* unmanaged<ulong*, nuint, int> Allocate;
    public readonly delegate* unmanaged<ulong, int> Free;
    public readonly delegate* unmanaged<void*, nuint, uint, int> RegisterHost;
    public readonly delegate* unmanaged<void*, int> UnregisterHost;

    public readonly delegate* unmanaged<nint*, uint, int> CreateStream;
    public readonly delegate* unmanaged<nint, int> DestroyStream;
    public readonly delegate* unmanaged<nint, int> WaitForStream;
    public readonly delegate* unmanaged<ulong, void*, nuint, nint, int> CopyToDevice;
    public readonly delegate* unmanaged<void*, ulong, nuint, nint, int> CopyToHost;
    public readonly delegate* unmanaged<ulong, ulong, nuint, nint, int> CopyOnDevice;

    /// <summary>Finds the functions.</summary>
    /// <param name="resolve">Returns the address of a function of the driver; 0 if the driver does not have it.</param>
    public CudaFunctions(Func<string, nint> resolve)
    {
        ArgumentNullException.ThrowIfNull(resolve);
        Init = (delegate* unmanaged<uint, int>)Find("cuInit");
        GetVersion = (delegate* unmanaged<int*, int>)Find("cuDriverGetVersion");
        GetErrorName = (delegate* unmanaged<int, byte**, int>)Find("cuGetErrorName");
        GetErrorText = (delegate* unmanaged<int, byte**, int>)Find("cuGetErrorString");
        CountDevices = (delegate* unmanaged<int*, int>)Find("cuDeviceGetCount");
        GetDevice = (delegate* unmanaged<int*, int, int>)Find("cuDeviceGet");
        GetName = (delegate* unmanaged<byte*, int, int, int>)Find("cuDeviceGetName");
        GetBusId = (delegate* unmanaged<byte*, int, int, int>)Find("cuDeviceGetPCIBusId");
        // The second version (CUDA 11.4) returns the id of the instance where a card is split (MIG), the first the id of the card.
        GetUuid = (delegate* unmanaged<Guid*, int, int>)Find("cuDeviceGetUuid_v2", "cuDeviceGetUuid");
        GetTotalMemory = (delegate* unmanaged<nuint*, int, int>)Find("cuDeviceTotalMem_v2");
        GetAttribute = (delegate* unmanaged<int*, int, int, int>)Find("cuDeviceGetAttribute");
        RetainContext = (delegate* unmanaged<nint*, int, int>)Find("cuDevicePrimaryCtxRetain");
        ReleaseContext = (delegate* unmanaged<int, int>)Find("cuDevicePrimaryCtxRelease_v2");
        PushContext = (delegate* unmanaged<nint, int>)Find("cuCtxPushCurrent_v2");
        PopContext = (delegate* unmanaged<nint*, int>)Find("cuCtxPopCurrent_v2");
        GetMemory = (delegate* unmanaged<nuint*, nuint*, int>)Find("cuMemGetInfo_v2");
        Allocate = (delegate* unmanaged<ulong*, nuint, int>)Find("cuMemAlloc_v2");
        Free = (delegate* unmanaged<ulong, int>)Find("cuMemFree_v2");
        RegisterHost = (delegate* unmanaged<void*, nuint, uint, int>)Find("cuMemHostRegister_v2");
        UnregisterHost = (delegate* unmanaged<void*, int>)Find("cuMemHostUnregister");
        CreateStream = (delegate* unmanaged<nint*, uint, int>)Find("cuStreamCreate");
        DestroyStream = (delegate* unmanaged<nint, int>)Find("cuStreamDestroy_v2");
        WaitForStream = (delegate* unmanaged<nint, int>)Find("cuStreamSynchronize");
        CopyToDevice = (delegate* unmanaged<ulong, void*, nuint, nint, int>)Find("cuMemcpyHtoDAsync_v2");
        CopyToHost = (delegate* unmanaged<void*, ulong, nuint, nint, int>)Find("cuMemcpyDtoHAsync_v2");
        CopyOnDevice = (delegate* unmanaged<ulong, ulong, nuint, nint, int>)Find("cuMemcpyDtoDAsync_v2");

        nint Find(string name, string? older = null)
        {
            nint address = resolve(name);
            if (address == 0 && older is not null)
            {
                address = resolve(older);
            }
            Missing ??= address == 0 ? name : null;
            return address;
        }
    }

    /// <summary>The first function that the driver does not have; null if it has all of them.</summary>
    public string? Missing { get; private set; }

    /// <summary>
    /// Loads a library of the driver. Returns a function that finds the address of a function of the library; 0 if the library does not
    /// have it.
    /// </summary>
    public static Func<string, nint>? TryLoad(string windowsName, string linuxName)
    {
        // On Windows the driver installs the library in the system folder. The current folder is not trusted.
        bool isThere = OperatingSystem.IsWindows()
            ? NativeLibrary.TryLoad(windowsName, typeof(CudaFunctions).Assembly, DllImportSearchPath.System32, out nint library)
            : NativeLibrary.TryLoad(linuxName, out library);
        return isThere ? name => NativeLibrary.TryGetExport(library, name, out nint address) ? address : 0 : null;
    }
}
