using System.Runtime.InteropServices;
using System.Text;

namespace MemLoad;

/// <summary>A card as NVIDIA's management library sees it.</summary>
/// <param name="Index">The library's own number, which CUDA_VISIBLE_DEVICES does not change.</param>
/// <param name="Name">The product.</param>
/// <param name="BusId">Where it sits, which is what tells cards apart.</param>
/// <param name="TotalBytes">Its memory.</param>
/// <param name="FreeBytes">What nobody has taken of it.</param>
/// <param name="DriverVersion">The driver.</param>
public sealed record GraphicsCard(int Index, string Name, string BusId, long TotalBytes, long FreeBytes, string DriverVersion);

/// <summary>Asks the driver's management library (NVML) about cards. It comes with the driver: where there is none, there is no card to ask about.</summary>
public static unsafe class GraphicsCards
{
    private const int Success = 0;
    private const int TextBytes = 96;

    private static readonly Lazy<nint> Library = new(Open);

    /// <summary>The cards of this machine; empty where no driver answers.</summary>
    public static IReadOnlyList<GraphicsCard> List()
    {
        if (Library.Value == 0)
        {
            return [];
        }
        uint count = 0;
        var getCount = (delegate* unmanaged<uint*, int>)Function("nvmlDeviceGetCount_v2");
        if (getCount == null || getCount(&count) != Success)
        {
            return [];
        }
        var cards = new List<GraphicsCard>();
        for (uint i = 0; i < count; i++)
        {
            nint device = 0;
            var getHandle = (delegate* unmanaged<uint, nint*, int>)Function("nvmlDeviceGetHandleByIndex_v2");
            if (getHandle != null && getHandle(i, &device) == Success && Describe((int)i, device) is GraphicsCard card)
            {
                cards.Add(card);
            }
        }
        return cards;
    }

    /// <summary>What the driver says this process holds of a card's memory, context included; null where it does not say (in most containers
    /// and under Windows' display driver model it does not).</summary>
    /// <param name="busId">The card's bus id, as CUDA or this class gives it.</param>
    public static long? ProcessBytes(string busId)
    {
        ArgumentNullException.ThrowIfNull(busId);
        nint device = Find(busId);
        var getProcesses = (delegate* unmanaged<nint, uint*, ProcessInfo*, int>)Function("nvmlDeviceGetComputeRunningProcesses_v3");
        if (device == 0 || getProcesses == null)
        {
            return null;
        }
        const int most = 256;
        var processes = new ProcessInfo[most];
        uint count = most;
        fixed (ProcessInfo* first = processes)
        {
            if (getProcesses(device, &count, first) != Success)
            {
                return null;
            }
        }
        ProcessInfo own = Array.Find(processes[..(int)Math.Min(count, most)], process => process.Id == Environment.ProcessId);
        return own.Id == 0 || own.UsedBytes == ulong.MaxValue ? null : (long)own.UsedBytes;
    }

    /// <summary>A card's memory that nobody has taken; null where the library does not say.</summary>
    /// <param name="busId">The card's bus id.</param>
    public static long? FreeBytes(string busId)
    {
        ArgumentNullException.ThrowIfNull(busId);
        nint device = Find(busId);
        MemoryInfo memory = default;
        return device != 0 && ReadMemory(device, &memory) ? (long)memory.Free : null;
    }

    private static nint Find(string busId)
    {
        nint device = 0;
        var getHandle = (delegate* unmanaged<byte*, nint*, int>)Function("nvmlDeviceGetHandleByPciBusId_v2");
        if (getHandle == null)
        {
            return 0;
        }
        fixed (byte* text = Encoding.ASCII.GetBytes(busId + '\0'))
        {
            return getHandle(text, &device) == Success ? device : 0;
        }
    }

    private static GraphicsCard? Describe(int index, nint device)
    {
        MemoryInfo memory = default;
        if (!ReadMemory(device, &memory))
        {
            return null;
        }
        byte* text = stackalloc byte[TextBytes];
        var getName = (delegate* unmanaged<nint, byte*, uint, int>)Function("nvmlDeviceGetName");
        string name = getName != null && getName(device, text, TextBytes) == Success ? Text(text) : "a card without a name";
        var getDriver = (delegate* unmanaged<byte*, uint, int>)Function("nvmlSystemGetDriverVersion");
        string driver = getDriver != null && getDriver(text, TextBytes) == Success ? Text(text) : "unknown";
        BusInfo bus = default;
        var getBus = (delegate* unmanaged<nint, BusInfo*, int>)Function("nvmlDeviceGetPciInfo_v3");
        string busId = getBus != null && getBus(device, &bus) == Success ? Text(bus.Id) : "";
        return new GraphicsCard(index, name, busId, (long)memory.Total, (long)memory.Free, driver);
    }

    private static bool ReadMemory(nint device, MemoryInfo* memory)
    {
        var getMemory = (delegate* unmanaged<nint, MemoryInfo*, int>)Function("nvmlDeviceGetMemoryInfo");
        return getMemory != null && getMemory(device, memory) == Success;
    }

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    private static nint Open()
    {
        // The driver puts it into the system's folder on Windows; the current folder may be anybody's.
        nint library;
        bool isThere = OperatingSystem.IsWindows()
            ? NativeLibrary.TryLoad("nvml.dll", typeof(GraphicsCards).Assembly, DllImportSearchPath.System32, out library)
            : NativeLibrary.TryLoad("libnvidia-ml.so.1", out library);
        if (!isThere)
        {
            return 0;
        }
        return NativeLibrary.TryGetExport(library, "nvmlInit_v2", out nint init) && ((delegate* unmanaged<int>)init)() == Success ? library : 0;
    }

    private static void* Function(string name) =>
        Library.Value != 0 && NativeLibrary.TryGetExport(Library.Value, name, out nint address) ? (void*)address : null;

    private struct MemoryInfo
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }

    private struct ProcessInfo
    {
        public uint Id;
        public ulong UsedBytes;
        public uint GpuInstance;
        public uint ComputeInstance;
    }

    // nvmlPciInfo_t: the legacy id, five numbers, the id.
    private struct BusInfo
    {
        public fixed byte LegacyId[16];
        public uint Domain;
        public uint Bus;
        public uint Device;
        public uint PciDevice;
        public uint PciSubSystem;
        public fixed byte Id[32];
    }
}
