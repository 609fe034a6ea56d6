namespace MemLoad;

/// <summary>Keeps the running totals of a plan's pools, and their peaks.</summary>
/// <param name="checkpoint">The checkpoint that the plan loads.</param>
/// <param name="allocator">The allocator that counts as the device does; null on the host. It must be new, and is used up. If it has a
/// capacity, it throws when that is exceeded.</param>
internal sealed class PlanTally(Checkpoint checkpoint, CachingAllocator? allocator) : IPlanReader, IDisposable
{
    // The device block of each buffer, by the index of the buffer.
    private readonly PooledList<DeviceBlock> _blocks = new();
    private long _host;
    private long _file;
    private long _mapped;
    private long _peakHost;
    private long _peakFile;
    private long _peakAddress;
    private long _peakHostAndDevice;

    /// <summary>The memory that is held now.</summary>
    public PlanTotals Totals => new(_host, _file, allocator?.Memory ?? default);

    /// <summary>The peaks so far, and the memory that is held now.</summary>
    public PlanForecast Forecast => new(_peakHost, _peakFile, _peakAddress, _peakHostAndDevice, _host, allocator?.Memory ?? default);

    public void Read(PlanStep step, PlanBuffer buffer, PlanBuffer source)
    {
        switch (step.Kind, buffer.Pool)
        {
            case (StepKind.Allocate, MemoryPool.Host):
                _host = checked(_host + buffer.Bytes);
                break;
            case (StepKind.Release, MemoryPool.Host):
                _host -= buffer.Bytes;
                return;
            case (StepKind.Map, _):
                _file = checked(_file + buffer.Bytes);
                _mapped = checked(_mapped + checkpoint.Files[buffer.File].Length);
                break;
            case (StepKind.Release, MemoryPool.MappedFile):
                _file -= buffer.Bytes;
                _mapped -= checkpoint.Files[buffer.File].Length;
                return;
            case (StepKind.Allocate, MemoryPool.Device):
                _blocks.Extend(step.Buffer + 1);
                _blocks[step.Buffer] = allocator!.Allocate(buffer.Bytes);
                break;
            case (StepKind.Release, MemoryPool.Device):
                allocator!.Release(_blocks[step.Buffer]);
                return;
            default:
                return;
        }
        _peakHost = Math.Max(_peakHost, _host);
        _peakFile = Math.Max(_peakFile, _file);
        _peakAddress = Math.Max(_peakAddress, checked(_host + _mapped));
        _peakHostAndDevice = Math.Max(_peakHostAndDevice, checked(_host + (allocator?.Memory.Reserved ?? 0)));
    }

    public void Dispose()
    {
        _blocks.Dispose();
        allocator?.Dispose();
    }
}
