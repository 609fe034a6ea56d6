namespace MemLoad;

/// <summary>Watches the memory of a card while another program uses it, without a context of our own.</summary>
internal sealed class CardWatch
{
    private readonly GraphicsCard _card;
    private readonly long _freeAtStart;
    private long _leastFree;
    private long? _peakOfProcesses;

    private CardWatch(GraphicsCard card, long free)
    {
        _card = card;
        _freeAtStart = _leastFree = free;
    }

    /// <summary>The largest decrease of the free memory of the card since the start.</summary>
    public long PeakBytes => Math.Max(0, _freeAtStart - _leastFree);

    /// <summary>The most memory that the driver has reported for the processes; null if it does not report it.</summary>
    public long? PeakOfProcesses => _peakOfProcesses;

    /// <summary>Watches a card; null if the device is none, or if the driver does not report its memory.</summary>
    /// <exception cref="MemLoadException">ML7003 or ML7004: there is no such device.</exception>
    public static CardWatch? Of(string device)
    {
        const string Torch = "torch:";
        string name = device.StartsWith(Torch, StringComparison.OrdinalIgnoreCase) ? device[Torch.Length..] : device;
        using IDevice opened = DeviceRegistry.Open(name);
        CudaCard? card = opened is CudaDevice ? CudaDriver.Here?.Cards.FirstOrDefault(card => card.Name == opened.Name) : null;
        return card?.Managed is GraphicsCard managed && Nvml.Here.FreeBytes(managed) is long free ? new CardWatch(managed, free) : null;
    }

    /// <summary>Takes a sample.</summary>
    /// <param name="processes">The processes of the program.</param>
    /// <returns>The decrease of the free memory of the card since the start.</returns>
    public long Sample(IReadOnlyCollection<int> processes)
    {
        long free = Nvml.Here.FreeBytes(_card) ?? _freeAtStart;
        _leastFree = Math.Min(_leastFree, free);
        if (Nvml.Here.BytesOf(_card, processes) is long used && !(used <= _peakOfProcesses))
        {
            _peakOfProcesses = used;
        }
        return Math.Max(0, _freeAtStart - free);
    }
}
