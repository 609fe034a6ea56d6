namespace MemLoad.Torch;

/// <summary>
/// The device <c>torch:cuda:N</c>: memory that libtorch allocates on a card. The driver fills it through a pinned staging ring, with
/// several streams at a time. TorchSharp does not provide the statistics of the libtorch allocator. This class computes them with the same
/// arithmetic for every allocation.
/// </summary>
internal sealed class TorchCudaDevice : IDevice
{
    // The number of concurrent copies. One is copied while the next begins. More copies are not faster.
    private const int Streams = 2;

    // The memory of this process on each card. libtorch has one cache per card for all device objects.
    private static readonly Dictionary<string, CachingAllocator> OfProcess = new(StringComparer.Ordinal);
    private static readonly Lock Accounting = new();

    private readonly ICard _card;
    private readonly CachingAllocator _accounts;
    private readonly CachingAllocator _cache;
    private readonly CopyStreams _streams = new(Streams);
    private int _holders = 1; // the owner of the device and every block
    private bool _disposed;

    /// <summary>
    /// Creates the device, which takes ownership of the card. <paramref name="limitBytes"/> is the maximum number of bytes to reserve, or
    /// null.
    /// </summary>
    public TorchCudaDevice(ICard card, int number, long? limitBytes)
    {
        _card = card;
        Name = NameOf(number);
        CapacityBytes = Math.Min(limitBytes ?? long.MaxValue, card.TotalBytes);
        _accounts = new CachingAllocator(CapacityBytes);
        lock (Accounting)
        {
            if (!OfProcess.TryGetValue(card.Uuid, out CachingAllocator? cache))
            {
                OfProcess.Add(card.Uuid, cache = new CachingAllocator());
            }
            _cache = cache;
        }
        for (int i = 0; i < Streams; i++)
        {
            _streams.Add(card.OpenStream());
        }
    }

    public static string NameOf(int number) => $"torch:cuda:{number}";

    public string Name { get; }
    public bool IsHost => false;
    public long? CapacityBytes { get; }

    /// <summary>
    /// The bytes that can still be reserved: the rest of the limit, or the free memory of the card if that is less. The cache of libtorch
    /// from removed models is free for this process.
    /// </summary>
    public long? FreeBytes
    {
        get
        {
            long free = _card.FreeBytes;
            lock (Accounting)
            {
                long kept = _cache.Memory.Reserved - _cache.Memory.Allocated;
                return Math.Min(CapacityBytes!.Value - _accounts.Memory.Reserved, Math.Min(free + kept, _card.TotalBytes));
            }
        }
    }

    public DeviceMemory Memory
    {
        get
        {
            lock (Accounting)
            {
                return _accounts.Memory;
            }
        }
    }

    /// <summary>The memory that NVML reports.</summary>
    public long? DriverBytes => _card.ProcessBytes;
    public DeviceIdentity Identity => new(_card.Product, _card.Uuid, _card.DriverVersion);

    /// <summary>
    /// A sentence about a ring that is not pinned, or about expandable segments. The computed reserved bytes do not include expandable
    /// segments.
    /// </summary>
    public string? Remark { get; private set; } =
        (Environment.GetEnvironmentVariable("PYTORCH_CUDA_ALLOC_CONF") ?? "").Contains(
            "expandable_segments:True", StringComparison.OrdinalIgnoreCase)
            ? "PYTORCH_CUDA_ALLOC_CONF sets expandable_segments, so libtorch reserves other amounts than the row says"
            : null;

    public MemoryBuffer Allocate(long bytes)
    {
        (DeviceBlock Own, DeviceBlock Process) account;
        lock (Accounting)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            account = (_accounts.Allocate(bytes), _cache.Allocate(bytes));
            _holders++;
        }
        try
        {
            return new Block(this, _card.Allocate(bytes).DetachFromDisposeScope(), account, bytes);
        }
        catch (ExternalException e)
        {
            Return(account);
            MemLoadException reason = TorchErrors.From(e.Message, e);
            throw reason.Rule == Rules.DeviceMemoryExhausted ? Exhausted(bytes, e) : reason;
        }
    }

    public MemoryBuffer AllocateStaging(HostMemory host, long bytes)
    {
        MemoryBuffer memory = PinnedMemory.Of(host.Allocate(bytes), _card.Pin, _card.Unpin, out string? remark);
        Remark = remark ?? Remark;
        return memory;
    }

    public void Copy(MemoryBuffer source, MemoryBuffer target, Workers workers, CancellationToken cancellationToken)
    {
        if (target.Length > 0)
        {
            _streams.Use(stream => _card.CopyInside(stream, ((Block)target).CardAddress, ((Block)source).CardAddress, target.Length));
        }
    }

    public CachingAllocator NewForecastAllocator() => new();

    public IDisposable Present(LoadedWeights weights) => new TorchStateDict(weights, storage =>
    {
        // Each storage has its own buffer on a card.
        (MemoryBuffer memory, _) = weights.MemoryOf(storage);
        return ((Block)memory).Bytes.alias().DetachFromDisposeScope();
    });

    public IGptModel BuildGpt(GptConfig config, LoadedWeights weights) => new TorchGptModel(config, weights);

    /// <summary>Closes the device. Its card is closed with its last block, because another thread can be reading a block.</summary>
    public void Dispose()
    {
        lock (Accounting)
        {
            if (!_disposed)
            {
                _disposed = true;
                Release();
            }
        }
    }

    private MemLoadException Exhausted(long bytes, Exception inner)
    {
        DeviceMemory memory = Memory;
        return Rules.DeviceMemoryExhausted.Broken(
            $"out of device memory: tried to allocate {bytes} bytes; {Name} ({_card.Product}) has {_card.TotalBytes} bytes, "
                + $"{_card.FreeBytes} are free, {memory.Allocated} are allocated by this load", innerException: inner);
    }

    private void Return((DeviceBlock Own, DeviceBlock Process) account)
    {
        lock (Accounting)
        {
            _accounts.Release(account.Own);
            _cache.Release(account.Process);
            Release();
        }
    }

    // Called under the lock.
    private void Release()
    {
        if (--_holders > 0)
        {
            return;
        }
        _streams.Clear(_card.CloseStream);
        _streams.Dispose();
        _accounts.Dispose();
        _card.Dispose();
    }

    private sealed class Block(
        TorchCudaDevice device, torch.Tensor bytes, (DeviceBlock Own, DeviceBlock Process) account, long length) : CardMemory(length)
    {
        public torch.Tensor Bytes => bytes;
        public nint CardAddress { get; } = length > 0 ? device._card.AddressOf(bytes) : 0;

        protected override void Upload(long offset, nint host, long bytes) =>
            device._streams.Use(stream => device._card.Upload(stream, CardAddress + (nint)offset, host, bytes));

        protected override void Download(nint host, long offset, long bytes) =>
            device._streams.Use(stream => device._card.Download(stream, host, CardAddress + (nint)offset, bytes));

        protected override void Dispose(bool disposing)
        {
            bytes.Dispose();
            device.Return(account);
        }
    }
}
