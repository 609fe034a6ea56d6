namespace MemLoad;

/// <summary>Watches the memory of a card while another program uses it, without creating a context.</summary>
internal sealed class CardWatch
{
    private readonly Nvml _library;
    private readonly GraphicsCard _card;
    private readonly long _freeAtStart;
    private long _leastFree;
    private long? _peakOfProcesses;

    public CardWatch(Nvml library, GraphicsCard card, long free)
    {
        _library = library;
        _card = card;
        _freeAtStart = _leastFree = free;
    }

    /// <summary>The largest decrease of the free memory of the card since the start.</summary>
    public long PeakBytes => Math.Max(0, _freeAtStart - _leastFree);

    /// <summary>The most memory that the driver has reported for the processes; null if it does not report it.</summary>
    public long? PeakOfProcesses => _peakOfProcesses;

    /// <summary>Watches a card. Returns null if the device is not a card, or if the driver does not report its memory.</summary>
    /// <exception cref="MemLoadException">ML7003 or ML7004: there is no such device.</exception>
    public static CardWatch? Of(string device)
    {
        const string Torch = "torch:";
        string name = device.StartsWith(Torch, StringComparison.OrdinalIgnoreCase) ? device[Torch.Length..] : device;
        using IDevice opened = DeviceRegistry.Open(name);
        return (opened as CudaDevice)?.Watch();
    }

    /// <summary>Takes a sample.</summary>
    /// <returns>The decrease of the free memory of the card since the start.</returns>
    public long Sample(IReadOnlyCollection<int> processes)
    {
        long free = _library.FreeBytes(_card) ?? _freeAtStart;
        _leastFree = Math.Min(_leastFree, free);
        if (_library.BytesOf(_card, processes) is long used && !(used <= _peakOfProcesses))
        {
            _peakOfProcesses = used;
        }
        return Math.Max(0, _freeAtStart - free);
    }
}
