namespace MemLoad;

/// <summary>
/// The device <c>cuda:N</c>: memory of a card, with nothing but the driver of the card. It reserves segments as the allocator of PyTorch
/// does, so the figures of both are equal. Several streams copy at the same time.
/// </summary>
internal sealed unsafe class CudaDevice : IDevice
{
    // One stream per slot of the staging ring. The other threads read while one waits for its copy.
    private const int Streams = StagingRing.Slots;

    private readonly CudaDriver _driver;
    private readonly CudaCard _card;
    private readonly bool _checksFreeMemory;
    private readonly CachingAllocator _allocator;
    private readonly SortedList<long, (long Length, ulong Address)> _segments = [];
    private readonly CopyStreams _streams = new(Streams);
    private readonly Lock _allocating = new();
    private readonly Lock _opening = new();
    private CudaContext? _context;
    private string? _remark;
    private long _freeAtStart;
    private long _leastFree = long.MaxValue;
    private int _holders = 1; // the owner of the device and every block
    private int _disposed;

    /// <summary>
    /// Creates the device. A context is created when the device is first used, not by a forecast. The limit is the maximum number of bytes
    /// to reserve, or null. If free memory is checked, memory must be free before it is allocated. Otherwise the driver for Windows can use
    /// host memory instead, without an error.
    /// </summary>
    public CudaDevice(CudaDriver driver, CudaCard card, long? limitBytes, bool? checksFreeMemory = null)
    {
        _driver = driver;
        _card = card;
        _checksFreeMemory = checksFreeMemory ?? OperatingSystem.IsWindows();
        CapacityBytes = Math.Min(limitBytes ?? long.MaxValue, card.TotalBytes);
        _allocator = new CachingAllocator(CapacityBytes)
        {
            SegmentReserved = Reserve,
            SegmentReleased = (offset, _) => Free(offset),
        };
    }

    public string Name => _card.Name;
    public bool IsHost => false;
    public bool ReservesSharedMemory => _card.IsIntegrated;
    public bool IsUnified => _card.IsIntegrated;
    public long? CapacityBytes { get; }

    /// <summary>
    /// The bytes that can still be reserved: the rest of the limit, or the free memory of the card if that is less. If the card uses the
    /// memory of the computer, only the limits of the computer count. The driver does not count reclaimable memory as free.
    /// </summary>
    public long? FreeBytes
    {
        get
        {
            long rest = CapacityBytes!.Value - Memory.Reserved;
            return _card.IsIntegrated ? rest : Math.Min(rest, FreeOnCard());
        }
    }

    public DeviceMemory Memory
    {
        get
        {
            lock (_allocating)
            {
                return _allocator.Memory;
            }
        }
    }

    public DeviceIdentity? Identity => new(_card.Product, _card.Uuid.Length > 0 ? _card.Uuid : null, _driver.Nvml.DriverVersion);

    public long? DriverBytes => _card.Managed is GraphicsCard card ? _driver.Nvml.ProcessBytes(card) : null;

    public long? PeakCardBytes
    {
        get
        {
            lock (_allocating)
            {
                return _leastFree == long.MaxValue ? null : Math.Max(0, _freeAtStart - _leastFree);
            }
        }
    }

    public string? Remark => Volatile.Read(ref _remark);
    private CudaContext Context => Volatile.Read(ref _context) ?? Open();

    public void Start() => _ = Context;

    /// <summary>Watches the memory of the card without a context. Null if the management library does not report it.</summary>
    public CardWatch? Watch() =>
        _card.Managed is GraphicsCard card && _driver.Nvml.FreeBytes(card) is long free ? new CardWatch(_driver.Nvml, card, free) : null;

    public MemoryBuffer Allocate(long bytes)
    {
        Start();
        lock (_allocating)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            DeviceBlock block = _allocator.Allocate(bytes);
            _holders++;
            return new Block(this, block, bytes == 0 ? 0 : AddressOf(block.Offset), bytes);
        }
    }

    public MemoryBuffer AllocateStaging(HostMemory host, long bytes)
    {
        ArgumentNullException.ThrowIfNull(host);
        CudaContext context = Context;
        MemoryBuffer memory = PinnedMemory.Of(host.Allocate(bytes), context.Pin, context.Unpin, out string? remark);
        Volatile.Write(ref _remark, remark ?? _remark);
        return memory;
    }

    public void Copy(MemoryBuffer source, MemoryBuffer target, Workers workers, CancellationToken cancellationToken)
    {
        if (target.Length > 0)
        {
            (ulong from, ulong to) = (((Block)source).CardAddress, ((Block)target).CardAddress);
            OnStream((context, stream) => context.CopyInside(stream, to, from, target.Length));
        }
    }

    public CachingAllocator NewForecastAllocator() => new();

    /// <summary>Closes the device. Its context is released with its last block, because another thread can be reading a block.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            lock (_allocating)
            {
                Release();
            }
        }
    }

    private CudaContext Open()
    {
        lock (_opening)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            if (_context is not null)
            {
                return _context;
            }
            var context = new CudaContext(_driver.Functions, _card);
            try
            {
                for (int i = 0; i < Streams; i++)
                {
                    _streams.Add(context.CreateStream());
                }
                _freeAtStart = context.FreeBytes;
            }
            catch
            {
                Close(context);
                throw;
            }
            Volatile.Write(ref _context, context);
            return context;
        }
    }

    // Without a context, the management library answers. A context would take memory of the card for a forecast.
    private long FreeOnCard()
    {
        bool opened = Volatile.Read(ref _context) is not null;
        return !opened && _card.Managed is GraphicsCard card && _driver.Nvml.FreeBytes(card) is long free ? free : Context.FreeBytes;
    }

    // The callbacks of the allocator, which calls them under the lock of the device.
    private void Reserve(long offset, long bytes)
    {
        CudaContext context = _context!;
        if (TryReserve(context, bytes) is not ulong address)
        {
            // As PyTorch does: the cache is released, and the memory is requested again.
            _allocator.ReleaseCached();
            address = TryReserve(context, bytes) ?? throw Exhausted(context, bytes);
        }
        _segments.Add(offset, (bytes, address));
        _leastFree = Math.Min(_leastFree, context.FreeBytes);
    }

    private ulong? TryReserve(CudaContext context, long bytes) =>
        _checksFreeMemory && !_card.IsIntegrated && context.FreeBytes < bytes ? null : context.TryAllocate(bytes);

    private void Free(long offset)
    {
        ulong address = _segments[offset].Address;
        _segments.Remove(offset);
        _context!.Free(address);
    }

    private MemLoadException Exhausted(CudaContext context, long bytes)
    {
        DeviceMemory memory = _allocator.Memory;
        return Rules.DeviceMemoryExhausted.Broken(
            $"out of device memory: the driver refused a segment of {bytes} bytes; {Name} ({_card.Product}) has {_card.TotalBytes} bytes, "
                + $"{context.FreeBytes} are free, {memory.Allocated} are allocated by this load and {memory.Reserved} reserved");
    }

    private ulong AddressOf(long offset)
    {
        int found = SortedStarts.LastNotAbove(_segments.Count, _segments.GetKeyAtIndex, offset);
        return _segments.GetValueAtIndex(found).Address + (ulong)(offset - _segments.GetKeyAtIndex(found));
    }

    private void OnStream(Action<CudaContext, nint> copy)
    {
        CudaContext context = Context;
        _streams.Use(stream => copy(context, stream));
    }

    private void Release()
    {
        if (--_holders > 0)
        {
            return;
        }
        if (_context is not null)
        {
            foreach ((_, ulong address) in _segments.Values)
            {
                _context.Free(address);
            }
            Close(_context);
        }
        _streams.Dispose();
        _allocator.Dispose();
    }

    private void Close(CudaContext context)
    {
        _streams.Clear(context.DestroyStream);
        context.Dispose();
    }

    private sealed class Block(CudaDevice device, DeviceBlock block, ulong address, long length) : CardMemory(length)
    {
        public ulong CardAddress => address;

        protected override void Upload(long offset, nint host, long bytes) =>
            device.OnStream((context, stream) => context.Upload(stream, address + (ulong)offset, (void*)host, bytes));

        protected override void Download(nint host, long offset, long bytes) =>
            device.OnStream((context, stream) => context.Download(stream, (void*)host, address + (ulong)offset, bytes));

        protected override void Dispose(bool disposing)
        {
            lock (device._allocating)
            {
                device._allocator.Release(block);
                device.Release();
            }
        }
    }
}
