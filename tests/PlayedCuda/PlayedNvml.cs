using System.Runtime.InteropServices;

namespace MemLoad.PlayedCuda;

/// <summary>The functions of the management library for the played cards.</summary>
public static unsafe partial class PlayedDriver
{
    private const int NotFound = 6;
    private const int TooSmall = 7;

    private struct ManagedMemory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }

    private struct ManagedProcess
    {
        public uint Id;
        public ulong UsedBytes;
        public uint GpuInstance;
        public uint ComputeInstance;
    }

    [UnmanagedCallersOnly(EntryPoint = "nvmlInit_v2")]
    private static int InitManagement() => Success;

    [UnmanagedCallersOnly(EntryPoint = "nvmlSystemGetDriverVersion")]
    private static int GetDriverVersion(byte* text, uint length) => Write("570.86.15", text, (int)length);

    [UnmanagedCallersOnly(EntryPoint = "nvmlDeviceGetCount_v2")]
    private static int CountManaged(uint* count)
    {
        *count = (uint)_options.Cards;
        return Success;
    }

    // Handles are in the reverse order of the cards, because the order of CUDA is not that of the library.
    [UnmanagedCallersOnly(EntryPoint = "nvmlDeviceGetHandleByUUID")]
    private static int FindByUuid(byte* uuid, nint* handle) => Find(uuid, handle, UuidOf);

    [UnmanagedCallersOnly(EntryPoint = "nvmlDeviceGetHandleByPciBusId_v2")]
    private static int FindByBusId(byte* id, nint* handle) => Find(id, handle, BusIdOf);

    [UnmanagedCallersOnly(EntryPoint = "nvmlDeviceGetUUID")]
    private static int GetManagedUuid(nint handle, byte* text, uint length) => Write(UuidOf(DeviceOfHandle(handle)), text, (int)length);

    [UnmanagedCallersOnly(EntryPoint = "nvmlDeviceGetMemoryInfo")]
    private static int GetManagedMemory(nint handle, ManagedMemory* memory)
    {
        lock (Gate)
        {
            long free = _cards.Length > 0 ? FreeOf(DeviceOfHandle(handle)) : _options.TotalBytes - _options.OthersBytes;
            *memory = new ManagedMemory
            {
                Total = (ulong)_options.TotalBytes,
                Free = (ulong)free,
                Used = (ulong)(_options.TotalBytes - free),
            };
            return Success;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "nvmlDeviceGetComputeRunningProcesses_v3")]
    private static int GetProcesses(nint handle, uint* count, ManagedProcess* processes)
    {
        lock (Gate)
        {
            PlayedCard card = _cards[DeviceOfHandle(handle)];
            uint found = card.Holders > 0 && _options.KnowsProcess ? 1u : 0u;
            bool fits = *count >= found;
            *count = found;
            if (fits && found > 0)
            {
                processes[0] = new ManagedProcess
                {
                    Id = (uint)Environment.ProcessId,
                    UsedBytes = (ulong)(card.Memory.AllocatedBytes + _options.ContextBytes),
                    GpuInstance = uint.MaxValue,
                    ComputeInstance = uint.MaxValue,
                };
            }
            return fits ? Success : TooSmall;
        }
    }

    private static int Find(byte* text, nint* handle, Func<int, string> name)
    {
        string wanted = Marshal.PtrToStringUTF8((nint)text)!;
        for (int device = 0; device < _options.Cards; device++)
        {
            if (name(device) == wanted)
            {
                *handle = 0x200 + _options.Cards - device;
                return Success;
            }
        }
        return NotFound;
    }

    private static int DeviceOfHandle(nint handle) => _options.Cards - (int)(handle - 0x200);

    private static string UuidOf(int device) => $"GPU-{new Guid([.. Enumerable.Repeat((byte)device, 16)])}";
}
