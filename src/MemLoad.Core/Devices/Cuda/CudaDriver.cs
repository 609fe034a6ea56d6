namespace MemLoad;

/// <summary>The CUDA driver and the cards that it offers to this process. Starting it uses no memory of a card.</summary>
internal sealed unsafe class CudaDriver
{
    private const int TextBytes = 256;
    private const int Integrated = 18; // CU_DEVICE_ATTRIBUTE_INTEGRATED

    private static readonly Lazy<(CudaDriver? Driver, string Reason)> OfSystem = new(Open);

    /// <summary>Starts a driver.</summary>
    /// <exception cref="MemLoadException">ML7004: the driver does not start, or it offers no card.</exception>
    public CudaDriver(CudaFunctions functions, Nvml nvml)
    {
        ArgumentNullException.ThrowIfNull(functions);
        ArgumentNullException.ThrowIfNull(nvml);
        Functions = functions;
        Nvml = nvml;
        if (functions.Missing is string missing)
        {
            throw Rules.DeviceAbsent.Broken($"the CUDA driver is older than release 470: it does not have {missing}");
        }
        int result = functions.Init(0);
        int count = 0;
        if (result == CudaResult.Success)
        {
            result = functions.CountDevices(&count);
        }
        if (result is not (CudaResult.Success or CudaResult.NoDevice))
        {
            throw Rules.DeviceAbsent.Broken($"the CUDA driver does not start: {CudaResult.Describe(functions, result)}");
        }
        if (count == 0)
        {
            throw Rules.DeviceAbsent.Broken($"the CUDA driver offers no card{CudaEnvironment.Hiding()}");
        }
        int version = 0;
        _ = functions.GetVersion(&version);
        CudaVersion = $"{version / 1000}.{version % 1000 / 10}";
        Cards = [.. Enumerable.Range(0, count).Select(Describe)];
    }

    /// <summary>The driver of this computer. It is started once per process. Null if it cannot be used.</summary>
    public static CudaDriver? Here => OfSystem.Value.Driver;

    /// <summary>The reason why this computer has no usable driver. Empty if it has one.</summary>
    public static string ReasonForNone => OfSystem.Value.Reason;
    public CudaFunctions Functions { get; }
    public Nvml Nvml { get; }

    /// <summary>The newest version of CUDA that the driver supports, such as <c>12.8</c>.</summary>
    public string CudaVersion { get; }

    /// <summary>The cards by their CUDA numbers.</summary>
    public ImmutableArray<CudaCard> Cards { get; }

    /// <summary>Returns the status of every card. No context is created.</summary>
    public IEnumerable<DeviceStatus> List()
    {
        string driver = Nvml.DriverVersion is string version ? $"driver {version}, CUDA {CudaVersion}" : $"CUDA {CudaVersion}";
        foreach (CudaCard card in Cards)
        {
            long? free = card is { IsIntegrated: false, Managed: GraphicsCard managed } ? Nvml.FreeBytes(managed) : null;
            string shared = card.IsIntegrated ? " of the computer's own memory" : "";
            yield return new DeviceStatus(card.Name, true, $"{card.Product}, {Printable.Bytes(card.TotalBytes)}{shared}, {driver}", free);
        }
    }

    /// <summary>Opens the device of a card by its CUDA number, with a maximum number of bytes to reserve, or null.</summary>
    /// <exception cref="MemLoadException">ML7004: there is no card with this number.</exception>
    public CudaDevice OpenDevice(int number, long? limitBytes)
    {
        if (number >= Cards.Length)
        {
            string cards = Cards.Length == 1 ? "the CUDA driver offers one card, cuda:0"
                : $"the CUDA driver offers {Cards.Length} cards, cuda:0 to {Cards[^1].Name}";
            throw Rules.DeviceAbsent.Broken($"there is no '{CudaCard.NameOf(number)}': {cards}{CudaEnvironment.Hiding()}");
        }
        return new CudaDevice(this, Cards[number], limitBytes);
    }

    private CudaCard Describe(int number)
    {
        string name = CudaCard.NameOf(number);
        int device = 0;
        CudaResult.Check(Functions, Functions.GetDevice(&device, number), "find the card", name);
        byte* text = stackalloc byte[TextBytes];
        string product = Functions.GetName(text, TextBytes, device) == CudaResult.Success
            ? Marshal.PtrToStringUTF8((nint)text)! : "a card without a name";
        string busId = Functions.GetBusId(text, TextBytes, device) == CudaResult.Success ? Marshal.PtrToStringUTF8((nint)text)! : "";
        nuint total = 0;
        CudaResult.Check(Functions, Functions.GetTotalMemory(&total, device), "ask for the size of the memory", name);
        int integrated = 0;
        _ = Functions.GetAttribute(&integrated, Integrated, device);
        Guid? uuid = UuidOf(device);
        GraphicsCard? managed = Nvml.Find(uuid, busId);
        string id = managed is { Uuid.Length: > 0 } ? managed.Value.Uuid : uuid is null ? "" : $"GPU-{uuid}";
        return new CudaCard(number, device, product, id, checked((long)total), integrated != 0, managed);
    }

    // The text form has the bytes in order, so the first three fields are big-endian.
    private Guid? UuidOf(int device)
    {
        byte* bytes = stackalloc byte[16];
        return Functions.GetUuid((Guid*)bytes, device) == CudaResult.Success
            ? new Guid(new ReadOnlySpan<byte>(bytes, 16), bigEndian: true) : null;
    }

    private static (CudaDriver? Driver, string Reason) Open()
    {
        if (CudaFunctions.TryLoad("nvcuda.dll", "libcuda.so.1") is not Func<string, nint> find)
        {
            return (null, "no NVIDIA driver answers");
        }
        try
        {
            CudaEnvironment.Publish();
            return (new CudaDriver(new CudaFunctions(find), Nvml.Here), "");
        }
        catch (MemLoadException e)
        {
            return (null, e.Finding);
        }
    }
}
