namespace MemLoad;

/// <summary>
/// The primary context of a card, which every library of the process shares. It is made current for one call at a time, and the context
/// that the thread had before is current again after it.
/// </summary>
internal sealed unsafe class CudaContext : IDisposable
{
    private const uint Blocking = 0; // CU_STREAM_DEFAULT
    private const uint NonBlocking = 1; // CU_STREAM_NON_BLOCKING
    private const uint Portable = 1; // CU_MEMHOSTREGISTER_PORTABLE: pinned for every context

    private readonly CudaFunctions _driver;
    private readonly CudaCard _card;
    private readonly nint _context;
    private int _disposed;

    /// <summary>Retains the context. The first holder in a process creates it, which takes some hundred MiB of the card.</summary>
    /// <exception cref="MemLoadException">ML7002, ML7004 or ML7008.</exception>
    public CudaContext(CudaFunctions driver, CudaCard card)
    {
        _driver = driver;
        _card = card;
        nint context;
        Check(driver.RetainContext(&context, card.Device), "create a context");
        _context = context;
    }

    /// <summary>The free memory of the card, of which other processes also allocate.</summary>
    public long FreeBytes
    {
        get
        {
            using Scope current = Enter();
            nuint free;
            nuint total;
            Check(_driver.GetMemory(&free, &total), "ask for free memory");
            return checked((long)free);
        }
    }

    /// <summary>Allocates memory of the card. Returns null if there is not enough.</summary>
    public ulong? TryAllocate(long bytes)
    {
        using Scope current = Enter();
        ulong address;
        int result = _driver.Allocate(&address, checked((nuint)bytes));
        if (result == CudaResult.OutOfMemory)
        {
            return null;
        }
        Check(result, "allocate memory");
        return address;
    }

    /// <summary>Frees memory of the card. A card that failed frees nothing, and the end of the process frees all of it.</summary>
    public void Free(ulong address)
    {
        if (TryEnter())
        {
            using Scope current = new(_driver);
            _ = _driver.Free(address);
        }
    }

    /// <summary>Creates a stream, in which copies run one after the other.</summary>
    /// <param name="waitsForDefaultStream">Whether its copies wait for earlier work of the default stream, and later work there for them.
    /// Needed if another library, which uses the default stream, has the same memory.</param>
    public nint CreateStream(bool waitsForDefaultStream = false)
    {
        using Scope current = Enter();
        nint stream;
        Check(_driver.CreateStream(&stream, waitsForDefaultStream ? Blocking : NonBlocking), "create a stream");
        return stream;
    }

    /// <summary>Destroys a stream without work.</summary>
    public void DestroyStream(nint stream)
    {
        if (TryEnter())
        {
            using Scope current = new(_driver);
            _ = _driver.DestroyStream(stream);
        }
    }

    /// <summary>
    /// Pins host memory, so that the card reads it directly. Without it, the driver first copies each piece to its own memory.
    /// </summary>
    /// <returns>The reason why the memory cannot be pinned; null if it is.</returns>
    public string? Pin(nint address, long bytes)
    {
        using Scope current = Enter();
        int result = _driver.RegisterHost((void*)address, checked((nuint)bytes), Portable);
        return result == CudaResult.Success ? null : CudaResult.Describe(_driver, result);
    }

    public void Unpin(nint address)
    {
        if (TryEnter())
        {
            using Scope current = new(_driver);
            _ = _driver.UnregisterHost((void*)address);
        }
    }

    /// <summary>Copies host memory to the card and waits for the copy.</summary>
    public void Upload(nint stream, ulong target, void* source, long bytes)
    {
        using Scope current = Enter();
        const string purpose = "copy to the card";
        Finish(_driver.CopyToDevice(target, source, checked((nuint)bytes), stream), stream, purpose);
    }

    /// <summary>Copies memory of the card to the host and waits for the copy.</summary>
    public void Download(nint stream, void* target, ulong source, long bytes)
    {
        using Scope current = Enter();
        Finish(_driver.CopyToHost(target, source, checked((nuint)bytes), stream), stream, "copy from the card");
    }

    /// <summary>Copies memory within the card and waits for the copy.</summary>
    public void CopyInside(nint stream, ulong target, ulong source, long bytes)
    {
        using Scope current = Enter();
        Finish(_driver.CopyOnDevice(target, source, checked((nuint)bytes), stream), stream, "copy within the card");
    }

    /// <summary>Releases the context. The last holder in the process destroys it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _ = _driver.ReleaseContext(_card.Device);
        }
    }

    // A copy that could not begin may follow others in the stream that still use the memory of the caller.
    private void Finish(int begun, nint stream, string purpose)
    {
        int finished = _driver.WaitForStream(stream);
        Check(begun, purpose);
        Check(finished, purpose);
    }

    private void Check(int result, string purpose)
    {
        if (result != CudaResult.Success)
        {
            CudaResult.Check(_driver, result, purpose, _card.Name);
        }
    }

    private Scope Enter()
    {
        Check(_driver.PushContext(_context), "enter its context");
        return new Scope(_driver);
    }

    private bool TryEnter() => _driver.PushContext(_context) == CudaResult.Success;

    private readonly ref struct Scope(CudaFunctions driver) : IDisposable
    {
        public void Dispose()
        {
            nint popped;
            _ = driver.PopContext(&popped);
        }
    }
}
