using System.Text;

namespace MemLoad;

/// <summary>
/// Queries the management library of the driver (NVML) about cards. The library is part of the driver. It answers without a CUDA context,
/// which takes memory of the card. It does not use the CUDA numbers of cards, so cards are found by their ids.
/// </summary>
/// <param name="resolve">Returns the address of a function of the library; 0 if it does not have the function.</param>
internal sealed unsafe class Nvml(Func<string, nint> resolve)
{
    private const int Success = 0;
    private const int TextBytes = 96;
    private const int MostProcesses = 1024;

    private static readonly Lazy<Nvml> OfDriver = new(Open);

    /// <summary>The library of this computer. Without one, every query has no answer.</summary>
    public static Nvml Here => OfDriver.Value;

    /// <summary>The version of the driver, such as <c>570.86.15</c>; null if the library does not answer.</summary>
    public string? DriverVersion
    {
        get
        {
            byte* text = stackalloc byte[TextBytes];
            var get = (delegate* unmanaged<byte*, uint, int>)resolve("nvmlSystemGetDriverVersion");
            return get != null && get(text, TextBytes) == Success ? Marshal.PtrToStringUTF8((nint)text) : null;
        }
    }

    /// <summary>Finds the card, or the instance of a card, that CUDA uses.</summary>
    /// <param name="uuid">The id from CUDA. The library writes it with the prefix of a card or of an instance.</param>
    /// <param name="busId">The bus id from CUDA, for libraries that do not know the id.</param>
    /// <returns>The card; null if the library does not answer.</returns>
    public GraphicsCard? Find(Guid? uuid, string busId)
    {
        ArgumentNullException.ThrowIfNull(busId);
        if (uuid is Guid id)
        {
            foreach (string prefix in (ReadOnlySpan<string>)["GPU-", "MIG-"])
            {
                string text = $"{prefix}{id}";
                if (Handle("nvmlDeviceGetHandleByUUID", text) is nint found)
                {
                    return new GraphicsCard(found, text);
                }
            }
        }
        return Handle("nvmlDeviceGetHandleByPciBusId_v2", busId) is nint card ? new GraphicsCard(card, UuidOf(card) ?? "") : null;
    }

    /// <summary>The free memory of a card. Null if the library does not report it.</summary>
    public long? FreeBytes(GraphicsCard card)
    {
        MemoryInfo memory = default;
        var get = (delegate* unmanaged<nint, MemoryInfo*, int>)resolve("nvmlDeviceGetMemoryInfo");
        return get != null && get(card.Handle, &memory) == Success ? checked((long)memory.Free) : null;
    }

    /// <summary>
    /// The memory of this process on a card, its context included. Null if the library does not report it, as in a container with its own
    /// process ids and under the Windows display driver model.
    /// </summary>
    public long? ProcessBytes(GraphicsCard card) => BytesOf(card, [Environment.ProcessId]);

    /// <summary>The memory of some processes on a card. Null if the library reports none of them.</summary>
    public long? BytesOf(GraphicsCard card, IReadOnlyCollection<int> ids)
    {
        var get = (delegate* unmanaged<nint, uint*, ProcessInfo*, int>)resolve("nvmlDeviceGetComputeRunningProcesses_v3");
        if (get == null)
        {
            return null;
        }
        var processes = new ProcessInfo[MostProcesses];
        uint count = MostProcesses;
        fixed (ProcessInfo* first = processes)
        {
            if (get(card.Handle, &count, first) != Success)
            {
                return null;
            }
        }
        // The largest number means "not available".
        long[] used =
        [
            .. processes[..(int)Math.Min(count, MostProcesses)]
                .Where(process => ids.Contains((int)process.Id) && process.UsedBytes <= long.MaxValue)
                .Select(process => (long)process.UsedBytes),
        ];
        return used.Length == 0 ? null : WeightsDigest.Saturated(used);
    }

    private nint? Handle(string function, string id)
    {
        var get = (delegate* unmanaged<byte*, nint*, int>)resolve(function);
        if (get == null)
        {
            return null;
        }
        nint found = 0;
        fixed (byte* text = Encoding.ASCII.GetBytes(id + '\0'))
        {
            return get(text, &found) == Success ? found : null;
        }
    }

    private string? UuidOf(nint card)
    {
        byte* text = stackalloc byte[TextBytes];
        var get = (delegate* unmanaged<nint, byte*, uint, int>)resolve("nvmlDeviceGetUUID");
        return get != null && get(card, text, TextBytes) == Success ? Marshal.PtrToStringUTF8((nint)text) : null;
    }

    private static Nvml Open()
    {
        Func<string, nint>? find = CudaFunctions.TryLoad("nvml.dll", "libnvidia-ml.so.1");
        var start = (delegate* unmanaged<int>)(find?.Invoke("nvmlInit_v2") ?? 0);
        return start != null && start() == Success ? new Nvml(find!) : new Nvml(static _ => 0);
    }

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
}
