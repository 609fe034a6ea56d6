namespace MemLoad;

/// <summary>Weights in memory: the tensors of a checkpoint and the buffers that hold them. Disposing frees the memory.</summary>
/// <remarks>
/// Memory of weights that are not disposed stays until the process ends, because the garbage collector does not see addresses of it.
/// </remarks>
public sealed class LoadedWeights : IWeightSource, IDisposable
{
    private const long CopiedBytes = 64 << 20;

    private readonly MemoryBuffer?[] _buffers;
    private readonly ImmutableArray<Placement> _placements;
    private readonly Dictionary<string, TensorEntry> _byName;
    private readonly Dictionary<int, HostView> _views = [];
    private readonly Dictionary<string, MemoryBuffer> _copies = new(StringComparer.Ordinal);
    private readonly HostMemory _host = new();
    private readonly Lock _viewLock = new();
    private bool _disposed;

    private LoadedWeights(ImmutableArray<TensorEntry> tensors, ImmutableArray<long> storageLengths, MemoryBuffer?[] buffers,
        ImmutableArray<Placement> placements)
    {
        Tensors = tensors;
        StorageLengths = storageLengths;
        _buffers = buffers;
        _placements = placements;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    /// <summary>Creates weights from buffers that are filled. It owns the buffers unless it throws.</summary>
    internal static LoadedWeights Of(ImmutableArray<TensorEntry> tensors, ImmutableArray<long> storageLengths, MemoryBuffer?[] buffers,
        ImmutableArray<Placement> placements, IDevice device)
    {
        var weights = new LoadedWeights(tensors, storageLengths, buffers, placements);
        // A plan that only measures pieces of work leaves no weights.
        if (placements.All(place => place.Buffer >= 0 && buffers[place.Buffer] is not null))
        {
            weights.Presentation = device.Present(weights);
        }
        return weights;
    }

    /// <summary>
    /// The object that the device created from the weights, such as tensors of its framework; null if the device creates none.
    /// </summary>
    public IDisposable? Presentation { get; private set; }

    /// <summary>Returns the buffer that holds a storage, and the offset of the storage in it. The weights own the buffer.</summary>
    /// <param name="storage">Index into <see cref="StorageLengths"/>.</param>
    public (MemoryBuffer Memory, long Offset) MemoryOf(int storage)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Placement place = _placements[storage];
        return (_buffers[place.Buffer]!, place.Offset);
    }

    /// <inheritdoc/>
    public ImmutableArray<TensorEntry> Tensors { get; }

    /// <inheritdoc/>
    public ImmutableArray<long> StorageLengths { get; }

    /// <summary>
    /// Returns a tensor in host memory, contiguous, without a copy if possible. Memory of a simulated device is mapped. Only a tensor with
    /// scattered elements is copied, once. The result is valid until the weights are disposed or <see cref="CloseViews"/> returns true.
    /// </summary>
    /// <exception cref="KeyNotFoundException">There is no tensor with this name.</exception>
    public HostTensor this[string name]
    {
        get
        {
            TensorEntry tensor = _byName[name];
            lock (_viewLock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return new HostTensor(tensor.DType, tensor.Shape, tensor.IsContiguous ? AddressOf(tensor) : CopyOf(tensor));
            }
        }
    }

    /// <summary>
    /// Throws if the memory no longer holds what was loaded, because the file of a mapping changed. Call it after reading bytes through the
    /// indexer or <see cref="MemoryOf"/>, and before using the results. Streaming calls it itself.
    /// </summary>
    /// <exception cref="MemLoadException">ML1006: the file changed.</exception>
    public void RequireIntact()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        foreach (MemoryBuffer? buffer in _buffers)
        {
            buffer?.RequireIntact();
        }
    }

    /// <inheritdoc/>
    public void StreamElements(TensorEntry tensor, ElementSink sink)
    {
        TensorEntry.RequireIn(StorageLengths, tensor);
        ArgumentNullException.ThrowIfNull(sink);
        (MemoryBuffer memory, long offset) = MemoryOf(tensor.Storage);
        TensorElements.Stream(tensor, memory, offset, sink);
    }

    /// <inheritdoc/>
    public void StreamStorage(int storage, ElementSink sink) =>
        StreamElements(TensorEntry.OfStorage(storage, StorageLengths[storage]), sink);

    /// <summary>
    /// Frees the memory. A buffer that another thread is reading, or that tensors of a framework hold, is freed when that use ends.
    /// </summary>
    public void Dispose()
    {
        lock (_viewLock)
        {
            if (_disposed)
            {
                return;
            }
            _disposed = true;
        }
        Presentation?.Dispose();
        CloseViews();
        _host.Dispose();
        foreach (MemoryBuffer? buffer in _buffers)
        {
            buffer?.Dispose();
        }
    }

    /// <summary>
    /// Closes the host's mappings of device memory, so that the pages of the device no longer count as host memory. It does nothing for
    /// weights in host memory.
    /// </summary>
    /// <returns>True if tensors that the indexer returned before are no longer valid.</returns>
    public bool CloseViews()
    {
        lock (_viewLock)
        {
            if (!_disposed && _views.Values.All(view => view.Owner is null))
            {
                return false;
            }
            foreach (HostView view in _views.Values)
            {
                view.Dispose();
            }
            foreach (MemoryBuffer copy in _copies.Values)
            {
                copy.Dispose();
            }
            _views.Clear();
            _copies.Clear();
            return true;
        }
    }

    /// <summary>
    /// Copies the content of the memory again to tensors that the indexer returned as copies. Call it after the memory was overwritten.
    /// </summary>
    internal void RefreshCopies()
    {
        lock (_viewLock)
        {
            foreach ((string name, MemoryBuffer copy) in _copies)
            {
                Fill(copy, _byName[name]);
            }
            foreach ((int buffer, HostView view) in _views)
            {
                // The memory of a card cannot be mapped.
                if (view.Owner is MemoryBuffer copy)
                {
                    Fill(copy, _buffers[buffer]!);
                }
            }
        }
    }

    private nint AddressOf(TensorEntry tensor)
    {
        if (tensor.ElementCount == 0)
        {
            return 0;
        }
        Placement place = _placements[tensor.Storage];
        if (!_views.TryGetValue(place.Buffer, out HostView view))
        {
            _views.Add(place.Buffer, view = _buffers[place.Buffer]!.MapForHost());
        }
        return view.Address + (nint)(place.Offset + tensor.ByteOffset);
    }

    private nint CopyOf(TensorEntry tensor)
    {
        if (_copies.TryGetValue(tensor.Name, out MemoryBuffer? earlier))
        {
            return earlier.Address;
        }
        MemoryBuffer copy = _host.Allocate(tensor.Bytes);
        try
        {
            Fill(copy, tensor);
        }
        catch
        {
            copy.Dispose();
            throw;
        }
        _copies.Add(tensor.Name, copy);
        return copy.Address;
    }

    private void Fill(MemoryBuffer copy, TensorEntry tensor)
    {
        long done = 0;
        StreamElements(tensor, elements =>
        {
            copy.Write(done, elements);
            done += elements.Length;
        });
    }

    private static unsafe void Fill(MemoryBuffer copy, MemoryBuffer source)
    {
        for (long done = 0; done < copy.Length;)
        {
            int length = (int)Math.Min(CopiedBytes, copy.Length - done);
            source.Read(done, new Span<byte>((byte*)copy.Address + done, length));
            done += length;
        }
    }
}
