using System.Runtime.InteropServices;
using System.Text;

namespace MemLoad;

/// <summary>A card in the NVIDIA management library.</summary>
/// <param name="Index">The number in the library, which does not depend on CUDA_VISIBLE_DEVICES.</param>
/// <param name="Name">The product.</param>
/// <param name="BusId">The bus id, which identifies the card.</param>
/// <param name="TotalBytes">The memory of the card.</param>
/// <param name="FreeBytes">The free memory of the card.</param>
/// <param name="DriverVersion">The driver.</param>
internal sealed record GraphicsCard(int Index, string Name, string BusId, long TotalBytes, long FreeBytes, string DriverVersion);

/// <summary>
/// Queries the management library of the driver (NVML) about cards. The library is part of the driver. Without a driver there is no usable
/// card.
/// </summary>
internal static unsafe class GraphicsCards
{
    private const int Success = 0;
    private const int TextBytes = 96;

    private static readonly Lazy<nint> Library = new(Open);

    /// <summary>The cards of this computer. Empty if no driver answers.</summary>
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

    /// <summary>
    /// The memory of this process on a card that the driver reports, context included. Null if the driver does not report it, as in most
    /// containers and under the Windows display driver model.
    /// </summary>
    /// <param name="busId">The bus id of the card, from CUDA or this class.</param>
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

    /// <summary>The free memory of a card. Null if the library does not report it.</summary>
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
        // On Windows the driver installs the library in the system folder. The current folder is not trusted.
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
