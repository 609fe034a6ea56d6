namespace MemLoad;

/// <summary>
/// Writes the plan of a strategy. Storages are the unit of loading: tensors that share a storage also share it in memory.
/// </summary>
internal sealed class PlanWriter(LoadView view, bool deviceIsHost, long ringBytes, IPlanReader[] readers) : IDisposable
{
    private readonly PooledList<PlanBuffer> _buffers = new();
    private int _batch;
    private int _chunkRing = -1;
    private bool _isBatch;

    /// <summary>True if tensors on the device are host memory, so that a move to the device needs no step.</summary>
    public bool DeviceIsHost => deviceIsHost;

    /// <summary>The pool of tensors on the device.</summary>
    public MemoryPool DevicePool => deviceIsHost ? MemoryPool.Host : MemoryPool.Device;

    /// <summary>The storages to load, in the order of the state dict.</summary>
    public IEnumerable<int> Storages => Enumerable.Range(0, view.Checkpoint.Storages.Length);

    /// <summary>Bytes of the staging ring; 0 if there is none yet.</summary>
    public long RingBytes { get; private set; }

    public int FileCount => view.Checkpoint.Files.Length;

    /// <summary>The phase of the following steps.</summary>
    public PlanPhase Phase { get; set; }

    public int FileOf(int storage) => view.Checkpoint.Storages[storage].File;

    /// <summary>Returns true if the elements of a storage are cast while they are loaded.</summary>
    public bool IsCast(int storage) => view.CastOf(storage) is not null;

    /// <summary>Returns true if a storage has several chunks in the files.</summary>
    public bool IsInChunks(int storage) => view.Checkpoint.Storages[storage].IsInChunks;

    /// <summary>Returns true if a chunk of a storage has several runs, so that it is read only through a ring.</summary>
    public bool IsInRuns(int storage) => view.Checkpoint.Storages[storage].IsInRuns;

    /// <summary>
    /// Returns true if the elements of a storage must not be used in place in the file. Records of a distributed checkpoint follow each
    /// other without padding, so that elements may not be aligned to their size there.
    /// </summary>
    public bool MustBeAligned(int storage) =>
        view.Checkpoint.Format == CheckpointFormat.Distributed && view.Checkpoint.Storages[storage].Offset % view.AlignmentOf(storage) != 0;

    /// <summary>Allocates a buffer for a storage as it is in the model.</summary>
    public int Allocate(MemoryPool pool, int storage) =>
        Begin(StepKind.Allocate, new PlanBuffer(pool, view.StorageLengths[storage]), storage);

    /// <summary>Allocates a buffer for a storage as it is in the file. It differs only if the storage is cast.</summary>
    public int AllocateAsInFile(MemoryPool pool, int storage) =>
        Begin(StepKind.Allocate, new PlanBuffer(pool, view.Checkpoint.Storages[storage].Length, AsInFile: true), storage);

    /// <summary>Allocates a host buffer that is large enough for each of the storages as it is in the file.</summary>
    public int AllocateForLargest(IEnumerable<int> storages) =>
        AllocateAsInFile(MemoryPool.Host, storages.MaxBy(storage => view.Checkpoint.Storages[storage].Length));

    /// <summary>Allocates the staging ring. It is no larger than all storages that pass through it.</summary>
    public int AllocateRing(IEnumerable<int> storages)
    {
        RingBytes = StagingRing.BytesFor(storages.Sum(storage => view.Checkpoint.Storages[storage].Length), ringBytes);
        return Begin(StepKind.Allocate, new PlanBuffer(MemoryPool.Host, RingBytes), -1);
    }

    public void Initialise(int buffer, int storage) => Add(StepKind.Initialise, buffer, storage);

    /// <summary>
    /// Allocates a buffer for each storage as it is in the model, by storage index. On the host they are one batch, in one mapping.
    /// </summary>
    public int[] AllocateEach(MemoryPool pool)
    {
        int[] buffers = new int[view.Checkpoint.Storages.Length];
        _isBatch = pool == MemoryPool.Host;
        foreach (int storage in Storages)
        {
            buffers[storage] = Allocate(pool, storage);
        }
        EndBatch();
        return buffers;
    }

    /// <summary>Maps a file and returns its buffer.</summary>
    public int Map(int file) =>
        Begin(StepKind.Map, new PlanBuffer(MemoryPool.MappedFile, view.Checkpoint.TouchedBytes[file], file, AsInFile: true), -1);

    /// <summary>Reads storages as one batch into their buffers in the model; through a ring if one is given.</summary>
    public void ReadEach(IEnumerable<int> storages, int[] model, int ring = -1)
    {
        _isBatch = true;
        foreach (int storage in storages)
        {
            Read(storage, model[storage], ring);
        }
        EndBatch();
    }

    /// <summary>Reads and copies storages as one batch, each through one buffer into the model.</summary>
    public void ReadAndCopyEach(IEnumerable<int> storages, int loaded, int[] model)
    {
        _isBatch = true;
        foreach (int storage in storages)
        {
            Read(storage, loaded);
            Copy(storage, loaded, model[storage]);
        }
        EndBatch();
    }

    /// <summary>
    /// Allocates the ring for storages with chunks in several runs, which whole reads then pass through. Returns -1 if there are none.
    /// </summary>
    public int AllocateChunkRing() => _chunkRing = Storages.Any(IsInRuns) ? AllocateRing(Storages.Where(IsInRuns)) : -1;

    /// <summary>
    /// Reads a storage from its file. A read into a buffer of the model casts it if needed. Only storages that pass through a ring can be
    /// cast.
    /// </summary>
    public void Read(int storage, int buffer, int ring = -1)
    {
        if (ring < 0 && IsInRuns(storage))
        {
            ring = _chunkRing;
        }
        bool casts = IsCast(storage) && !_buffers[buffer].AsInFile;
        if ((casts || IsInRuns(storage)) && ring < 0)
        {
            throw new InvalidOperationException("A storage that is cast or in several ranges cannot be read directly into its memory.");
        }
        Add(StepKind.Read, buffer, storage, ring, casts);
    }

    /// <summary>Copies a storage. A copy from a buffer as in the file to a buffer of the model casts it if needed.</summary>
    public void Copy(int storage, int source, int target) =>
        Add(StepKind.Copy, target, storage, source, IsCast(storage) && _buffers[source].AsInFile && !_buffers[target].AsInFile);

    public void Release(int buffer) => Add(StepKind.Release, buffer, -1);

    /// <summary>Sets the final place of a storage: a separate buffer, or its extent in a mapped file.</summary>
    public void Place(int storage, int buffer)
    {
        var place = new Placement(buffer, _buffers[buffer].Pool == MemoryPool.MappedFile ? view.Checkpoint.Storages[storage].Offset : 0);
        foreach (IPlanReader reader in readers)
        {
            reader.Place(storage, place);
        }
    }

    /// <summary>
    /// Allocates the whole model empty on the device, as <c>to_empty(device)</c> does, and returns the buffer of each storage.
    /// </summary>
    public int[] ToEmpty()
    {
        Phase = PlanPhase.ToEmpty;
        int[] model = AllocateEach(DevicePool);
        foreach (int storage in Storages)
        {
            Place(storage, model[storage]);
        }
        return model;
    }

    /// <summary>
    /// Builds the model on the host, initialises it, and moves it tensor by tensor, as <c>GPTModel(config).to(device)</c> does.
    /// </summary>
    public int[] BuildAndMove()
    {
        Phase = PlanPhase.BuildModel;
        int[] model = new int[view.Checkpoint.Storages.Length];
        foreach (int storage in Storages)
        {
            model[storage] = Allocate(MemoryPool.Host, storage);
            Initialise(model[storage], storage);
        }
        Phase = PlanPhase.MoveModel;
        foreach (int storage in Storages)
        {
            if (!deviceIsHost)
            {
                int moved = Allocate(MemoryPool.Device, storage);
                Copy(storage, model[storage], moved);
                Release(model[storage]);
                model[storage] = moved;
            }
            Place(storage, model[storage]);
        }
        return model;
    }

    /// <summary>Reads a storage into its own host tensor.</summary>
    public int LoadOnHost(int storage)
    {
        int loaded = AllocateAsInFile(MemoryPool.Host, storage);
        Read(storage, loaded);
        return loaded;
    }

    /// <summary>
    /// Reads a storage as <c>torch.load(map_location=device)</c> does: through its own host tensor, which is freed at once.
    /// </summary>
    public int LoadOnDevice(int storage)
    {
        int loaded = LoadOnHost(storage);
        if (deviceIsHost)
        {
            return loaded;
        }
        int moved = AllocateAsInFile(MemoryPool.Device, storage);
        Copy(storage, loaded, moved);
        Release(loaded);
        return moved;
    }

    /// <summary>Returns the complete plan of a strategy, with the steps that a reader kept.</summary>
    public LoadPlan Finish(Strategy strategy, PlanRecord record) => new()
    {
        Strategy = strategy,
        View = view,
        Buffers = ImmutableCollectionsMarshal.AsImmutableArray(_buffers.ToArray()),
        Steps = record.Steps,
        Placements = record.Placements,
        RingBytes = RingBytes,
    };

    public void Dispose() => _buffers.Dispose();

    // The step with which a buffer begins. Returns the buffer.
    private int Begin(StepKind kind, PlanBuffer buffer, int storage)
    {
        _buffers.Add(buffer);
        Add(kind, _buffers.Count - 1, storage);
        return _buffers.Count - 1;
    }

    private void EndBatch()
    {
        _isBatch = false;
        _batch++;
    }

    private void Add(StepKind kind, int buffer, int storage, int source = -1, bool casts = false)
    {
        var step = new PlanStep(kind, Phase, buffer, storage, source, casts, _isBatch ? _batch : _batch++);
        foreach (IPlanReader reader in readers)
        {
            reader.Read(step, _buffers[buffer], source < 0 ? default : _buffers[source]);
        }
    }
}
