namespace MemLoad;

/// <summary>The third reader of a plan: adds up the time of its steps on a machine of known speed.</summary>
internal sealed class PlanCost(LoadView view, MachineSpeed speed) : IPlanReader, IDisposable
{
    private readonly double _step = speed[Work.Step];
    private readonly double _release = speed[Work.Release];
    private readonly double _initialise = speed[Work.Initialise];
    private readonly PlanTime _readInPlace = Reading(speed[Work.ReadInPlace], speed[Work.ReadInPlaceCold]);
    private readonly PlanTime _copyMapped = Reading(speed[Work.CopyMapped], speed[Work.CopyMappedCold]);
    private readonly PlanTime _copyMappedOnHost = Reading(speed[Work.CopyOnHostFresh], speed[Work.ReadInPlaceCold]);
    private readonly PooledList<bool> _touched = new();
    private (long Bytes, PlanTime PerByte) _ring;

    // A device's allocator reuses freed memory, which has been touched before.
    private long _recycled;
    private PlanTime _total;

    public PlanTime Time => _total;

    public void Read(PlanStep step, PlanBuffer buffer, PlanBuffer source)
    {
        _touched.Extend(step.Buffer + 1);
        _total += _step;
        switch (step.Kind)
        {
            case StepKind.Allocate when buffer.Pool == MemoryPool.Device && _recycled >= buffer.Bytes:
                _recycled -= buffer.Bytes;
                _touched[step.Buffer] = true;
                break;
            case StepKind.Release when buffer.Pool == MemoryPool.Device:
                _recycled += buffer.Bytes;
                break;
            case StepKind.Release when buffer.Pool == MemoryPool.Host:
                _total += buffer.Bytes * _release;
                break;
            case StepKind.Initialise or StepKind.Read or StepKind.Copy:
                // A cast costs the bytes that it reads or the bytes that it writes, whichever are more, at the speed of a copy.
                long inFile = view.Checkpoint.Storages[step.Storage].Length;
                long bytes = step.Casts ? Math.Max(inFile, view.StorageLengths[step.Storage]) : Math.Min(inFile, buffer.Bytes);
                _total += PerByte(step, buffer, source) * bytes;
                _touched[step.Buffer] = true;
                break;
            default:
                break;
        }
    }

    public void Dispose() => _touched.Dispose();

    private PlanTime PerByte(PlanStep step, PlanBuffer buffer, PlanBuffer source)
    {
        if (step.Kind == StepKind.Initialise)
        {
            return _initialise;
        }
        bool toDevice = buffer.Pool == MemoryPool.Device;
        if (step.Kind == StepKind.Read)
        {
            // On the host, only storages with a cast pass through the ring. It takes one more pass over a slot, but touches fewer pages, so
            // it is as fast as in place.
            return step.Source < 0 || !toDevice ? _readInPlace : ThroughRing(source.Bytes);
        }
        bool touched = _touched[step.Buffer];
        return source.Pool switch
        {
            MemoryPool.MappedFile => toDevice ? _copyMapped : _copyMappedOnHost,
            MemoryPool.Device => speed[touched ? Work.CopyOnDevice : Work.CopyOnDeviceFresh],
            _ when toDevice => speed[touched ? Work.CopyToDevice : Work.CopyToDeviceFresh],
            _ => speed[touched ? Work.CopyOnHost : Work.CopyOnHostFresh],
        };
    }

    // A ring that is shortened for a small model costs the same as the next larger size.
    private PlanTime ThroughRing(long ringBytes)
    {
        if (_ring.Bytes != ringBytes)
        {
            long known = StagingRing.Sizes[0];
            foreach (long size in StagingRing.Sizes) // largest first
            {
                known = size >= ringBytes ? size : known;
            }
            _ring = (ringBytes, Reading(speed[Work.ReadThroughRing, known], speed[Work.ReadThroughRingCold]));
        }
        return _ring.PerByte;
    }

    // Bytes that are not cached come at the speed of the disk, and never faster than from the cache.
    private static PlanTime Reading(double warm, double cold) => new(warm, Math.Max(warm, cold));
}
