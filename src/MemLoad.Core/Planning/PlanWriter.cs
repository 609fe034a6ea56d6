using System.Collections.Immutable;

namespace MemLoad;

/// <summary>What strategies write plans with. Storages are the unit of loading: tensors that share one share it in the end, too.</summary>
internal sealed class PlanWriter(Checkpoint checkpoint, bool deviceIsHost, long ringBytes)
{
    private readonly ImmutableArray<PlanBuffer>.Builder _buffers = ImmutableArray.CreateBuilder<PlanBuffer>();
    private readonly ImmutableArray<PlanStep>.Builder _steps = ImmutableArray.CreateBuilder<PlanStep>();
    private long _ringBytes;
    private readonly Placement[] _placements = [.. Enumerable.Repeat(new Placement(-1, 0), checkpoint.Storages.Length)];

    /// <summary>True if tensors on the device are host memory, so that moving them there is nothing to do.</summary>
    public bool DeviceIsHost => deviceIsHost;

    /// <summary>The pool that device tensors come from.</summary>
    public MemoryPool DevicePool => deviceIsHost ? MemoryPool.Host : MemoryPool.Device;

    /// <summary>The storages to load, in the order of the state dict.</summary>
    public IEnumerable<int> Storages => Enumerable.Range(0, checkpoint.Storages.Length);

    public int FileCount => checkpoint.Files.Length;

    /// <summary>What the following steps are for.</summary>
    public PlanPhase Phase { get; set; }

    public int FileOf(int storage) => checkpoint.Storages[storage].File;

    /// <summary>Allocates a buffer for a storage.</summary>
    public int Allocate(MemoryPool pool, int storage) => Allocate(pool, checkpoint.Storages[storage].Length, storage);

    /// <summary>Allocates the staging ring, no larger than all there is to pass through it.</summary>
    public int AllocateRing()
    {
        _ringBytes = StagingRing.BytesFor(checkpoint.ModelBytes, ringBytes);
        return Allocate(MemoryPool.Host, _ringBytes, -1);
    }

    public void Initialise(int buffer, int storage) => Add(StepKind.Initialise, buffer, storage);

    /// <summary>Maps a file and gives its buffer.</summary>
    public int Map(int file)
    {
        long touched = checkpoint.Storages.Where(storage => storage.File == file).Sum(storage => storage.Length);
        _buffers.Add(new PlanBuffer(MemoryPool.MappedFile, touched, file));
        Add(StepKind.Map, _buffers.Count - 1, -1);
        return _buffers.Count - 1;
    }

    public void Read(int storage, int buffer, int ring = -1) => Add(StepKind.Read, buffer, storage, ring);

    public void Copy(int storage, int source, int target) => Add(StepKind.Copy, target, storage, source);

    public void Release(int buffer) => Add(StepKind.Release, buffer, -1);

    /// <summary>Says where a storage lies in the end: in a buffer of its own, or in a mapped file where the checkpoint has it.</summary>
    public void Place(int storage, int buffer) =>
        _placements[storage] = new Placement(buffer, _buffers[buffer].Pool == MemoryPool.MappedFile ? checkpoint.Storages[storage].Offset : 0);

    /// <summary>Allocates the whole model empty on the device, as <c>to_empty(device)</c> does, and gives each storage's buffer.</summary>
    public int[] ToEmpty()
    {
        Phase = PlanPhase.ToEmpty;
        int[] model = new int[checkpoint.Storages.Length];
        foreach (int storage in Storages)
        {
            model[storage] = Allocate(DevicePool, storage);
            Place(storage, model[storage]);
        }
        return model;
    }

    /// <summary>Builds the model on the host, initialised, then moves it tensor by tensor, as <c>GPTModel(config).to(device)</c> does.</summary>
    public int[] BuildAndMove()
    {
        Phase = PlanPhase.BuildModel;
        int[] model = new int[checkpoint.Storages.Length];
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

    /// <summary>Reads a storage as <c>torch.load(map_location=device)</c> does: through a host tensor of its own, which is let go at once.</summary>
    public int LoadOnDevice(int storage)
    {
        int loaded = Allocate(MemoryPool.Host, storage);
        Read(storage, loaded);
        if (deviceIsHost)
        {
            return loaded;
        }
        int moved = Allocate(MemoryPool.Device, storage);
        Copy(storage, loaded, moved);
        Release(loaded);
        return moved;
    }

    public LoadPlan Finish(Strategy strategy) => new()
    {
        Strategy = strategy,
        Checkpoint = checkpoint,
        Buffers = _buffers.ToImmutable(),
        Steps = _steps.ToImmutable(),
        Placements = ImmutableArray.Create(_placements),
        RingBytes = _ringBytes,
    };

    private int Allocate(MemoryPool pool, long bytes, int storage)
    {
        _buffers.Add(new PlanBuffer(pool, bytes));
        Add(StepKind.Allocate, _buffers.Count - 1, storage);
        return _buffers.Count - 1;
    }

    private void Add(StepKind kind, int buffer, int storage, int source = -1) => _steps.Add(new PlanStep(kind, Phase, buffer, storage, source));
}
