using System.Buffers;

namespace MemLoad;

/// <summary>
/// The device <c>sim</c>: a simulated accelerator. It has its own memory pool with real bytes, allocates as the CUDA allocator of PyTorch
/// does, and does not exceed its capacity. Its device peaks are those of a card. The device <c>sim:unified</c> simulates an accelerator
/// that shares the memory of the host.
/// </summary>
internal sealed class SimulatedDevice : IDevice
{
    /// <summary>The name of a device with separate memory.</summary>
    internal const string DeviceName = "sim";

    /// <summary>The name of a device that shares the memory of the host.</summary>
    internal const string UnifiedName = "sim:unified";

    // Small enough for the cache of a core. A copy in the device then needs one pass over memory instead of two.
    private const int BounceBytes = 256 << 10;

    // A thread that copies less takes longer to begin than to copy.
    private const long BytesPerThread = 4 << 20;

    // More threads wait for the memory.
    private const int MostThreads = 8;

    private readonly CachingAllocator _allocator;
    private readonly DevicePool _pool = DevicePool.Create();
    private readonly Lock _allocating = new();
    private int _holders = 1; // the owner of the device and every block
    private int _disposed;

    /// <summary>Creates a device with a maximum number of bytes to reserve; null for the memory of the computer.</summary>
    public SimulatedDevice(long? capacityBytes = null, bool unified = false)
    {
        IsUnified = unified;
        CapacityBytes = capacityBytes;
        _allocator = new CachingAllocator(capacityBytes)
        {
            SegmentReserved = _pool.Add,
            SegmentReleased = _pool.Release,
        };
    }

    public string Name => IsUnified ? UnifiedName : DeviceName;
    public bool IsHost => false;
    public bool ReservesSharedMemory => true;
    public bool IsUnified { get; }
    public long? CapacityBytes { get; }
    public long? FreeBytes => CapacityBytes - Memory.Reserved;

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

    public MemoryBuffer Allocate(long bytes)
    {
        lock (_allocating)
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            var block = new Block(this, _allocator.Allocate(bytes), bytes);
            _holders++;
            return block;
        }
    }

    public void Copy(MemoryBuffer source, MemoryBuffer target, Workers workers, CancellationToken cancellationToken)
    {
        int threads = (int)Math.Clamp(target.Length / BytesPerThread, 1, Math.Min(Environment.ProcessorCount, MostThreads));
        workers.ShareEach((target.Length + BounceBytes - 1) / BounceBytes, threads, (number, _) =>
        {
            long at = number * BounceBytes;
            byte[] bounce = ArrayPool<byte>.Shared.Rent(BounceBytes);
            Span<byte> piece = bounce.AsSpan(0, (int)Math.Min(BounceBytes, target.Length - at));
            source.Read(at, piece);
            target.Write(at, piece);
            ArrayPool<byte>.Shared.Return(bounce);
        }, cancellationToken);
    }

    public CachingAllocator NewForecastAllocator() => new();

    /// <summary>Closes the device. Its memory is freed with its last block, because another thread can be reading a block.</summary>
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

    private void Release()
    {
        if (--_holders == 0)
        {
            _pool.Dispose();
            _allocator.Dispose();
        }
    }

    private sealed class Block(SimulatedDevice device, DeviceBlock block, long bytes) : MemoryBuffer(bytes)
    {
        private int _released;

        public override void Write(long offset, ReadOnlySpan<byte> source)
        {
            CheckRange(offset, source.Length);
            device._pool.Write(block.Offset + offset, source);
        }

        public override void Read(long offset, Span<byte> destination)
        {
            CheckRange(offset, destination.Length);
            device._pool.Read(block.Offset + offset, destination);
        }

        public override HostView MapForHost()
        {
            CheckRange(0, 0);
            return Length == 0 ? default : device._pool.Map(block.Offset, Length);
        }

        protected override void Dispose(bool disposing)
        {
            if (Interlocked.Exchange(ref _released, 1) == 0)
            {
                lock (device._allocating)
                {
                    device._allocator.Release(block);
                    device.Release();
                }
            }
        }
    }
}
