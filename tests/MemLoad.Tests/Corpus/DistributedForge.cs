using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>
/// Writes distributed checkpoints: the objects of .metadata one by one, and data files of records. Every field can be incorrect.
/// </summary>
internal sealed class DistributedForge
{
    public const string Module = "torch.distributed.checkpoint.metadata";
    public const string Storage = "torch.distributed.checkpoint.filesystem";

    private readonly SortedDictionary<string, List<byte>> _files = new(StringComparer.Ordinal);

    /// <summary>The values of state_dict_metadata, by name.</summary>
    public List<(byte[] Key, byte[] Value)> Described { get; } = [];

    /// <summary>The values of storage_data, by index.</summary>
    public List<(byte[] Key, byte[] Value)> Places { get; } = [];

    /// <summary>The fields of Metadata after these two. PyTorch 2.6 writes planner_data and storage_meta.</summary>
    public List<(byte[] Key, byte[] Value)> More { get; } = [(Text("planner_data"), EmptyDict)];

    /// <summary>The data files.</summary>
    public IReadOnlyDictionary<string, List<byte>> Files => _files;

    /// <summary>The sound checkpoint that is the base of others: a tensor (4, 2) of two chunks in two files, and an object.</summary>
    public static DistributedForge Sound() =>
        new DistributedForge()
            .Tensor("a", [4, 2], "__0_0.distcp", [0, 0], [2, 2])
            .Chunk("a", "__1_0.distcp", [2, 0], [2, 2])
            .Object("step", "__0_0.distcp");

    /// <summary>Writes NEWOBJ, and BUILD if there is a state.</summary>
    public static byte[] Instance(string module, string name, byte[]? state) =>
        Cat(Global(module, name), EmptyTuple, [0x81], state is null ? [] : Cat(state, Build));

    public static byte[] Instance(string name, params (string Key, byte[] Value)[] fields) => Instance(Module, name, Dict(fields));

    public static byte[] Size(params long[] numbers) => Call("torch", "Size", Numbers(numbers));

    public static byte[] Properties(string dtype = "float32", string layout = "torch.strided", byte[]? format = null) =>
        Instance(
            Module,
            "TensorProperties",
            Tuple(
                Global("torch", dtype),
                Call("torch.serialization", "_get_layout", Text(layout)),
                False,
                format ?? Call(Module, "_MEM_FORMAT_ENCODING", Number(0)),
                False));

    public static byte[] ChunkOfRaw(byte[] offsets, byte[] sizes) =>
        Instance("ChunkStorageMetadata", ("offsets", offsets), ("sizes", sizes));

    public static byte[] ChunkOf(long[] offsets, long[] sizes) => ChunkOfRaw(Size(offsets), Size(sizes));

    public static byte[] TensorOf(byte[] properties, byte[] size, params byte[][] chunks) =>
        Instance("TensorStorageMetadata", ("properties", properties), ("size", size), ("chunks", List(chunks)));

    public static byte[] Bytes() => Instance(Module, "BytesStorageMetadata", null);

    public static byte[] Index(string name, byte[]? offset, byte[]? index = null) => offset is null
        ? Instance("MetadataIndex", ("fqn", Text(name)), ("index", index ?? None))
        : Instance("MetadataIndex", ("fqn", Text(name)), ("index", index ?? Number(0)), ("offset", offset));

    public static byte[] Place(string file, long offset, long length) =>
        Instance(Storage, "_StorageInfo", Dict(("relative_path", Text(file)), ("offset", Number(offset)), ("length", Number(length))));

    /// <summary>Returns the archive of a chunk of float32.</summary>
    public static byte[] Record(params long[] shape) => Record(shape, null);

    public static byte[] Record(long[] shape, byte[]? pickle, Action<ZipForge>? change = null)
    {
        long count = shape.Aggregate(1L, (product, dimension) => product * dimension);
        long[] strides = [.. shape.Select((_, i) => shape[(i + 1)..].Aggregate(1L, (product, dimension) => product * dimension))];
        var zip = new ZipForge();
        zip.Add(
            "archive/data.pkl",
            pickle ?? Whole(PickleForge.Tensor(PickleForge.Storage(count: count), Number(0), Numbers(shape), Numbers(strides))));
        zip.Add("archive/byteorder", "little"u8.ToArray());
        zip.Add("archive/data/0", [.. Enumerable.Range(1, 4 * (int)count).Select(i => (byte)i)]);
        zip.Add("archive/version", "3\n"u8.ToArray());
        change?.Invoke(zip);
        return zip.Bytes();
    }

    /// <summary>Adds a tensor of one chunk.</summary>
    public DistributedForge Tensor(string name, long[] size, string file, long[] offsets, long[] sizes)
    {
        Described.Add((Text(name), TensorOf(Properties(), Size(size), ChunkOf(offsets, sizes))));
        return Put(name, file, offsets, Record(sizes));
    }

    /// <summary>Adds a chunk to the last tensor.</summary>
    public DistributedForge Chunk(string name, string file, long[] offsets, long[] sizes)
    {
        // The list of chunks ends in "e", the dict around it in "u", and BUILD follows.
        byte[] value = Described[^1].Value;
        Described[^1] = (Described[^1].Key, [.. value[..^3], .. ChunkOf(offsets, sizes), .. value[^3..]]);
        return Put(name, file, offsets, Record(sizes));
    }

    /// <summary>Adds an object that is not a tensor.</summary>
    public DistributedForge Object(string name, string file)
    {
        Described.Add((Text(name), Bytes()));
        return Put(name, file, null, ZipForge.Torch(pickle: Whole(Number(7))));
    }

    /// <summary>Adds a record to a file, and its place.</summary>
    public DistributedForge Put(string name, string file, long[]? offsets, byte[] record)
    {
        if (!_files.TryGetValue(file, out List<byte>? content))
        {
            _files.Add(file, content = []);
        }
        Places.Add((Index(name, offsets is null ? null : Size(offsets)), Place(file, content.Count, record.Length)));
        content.AddRange(record);
        return this;
    }

    public static byte[] Pairs(IEnumerable<(byte[] Key, byte[] Value)> pairs) =>
        Cat(EmptyDict, Mark, Cat(pairs.Select(pair => Cat(pair.Key, pair.Value))), "u"u8.ToArray());

    /// <summary>Returns the content of .metadata.</summary>
    public byte[] Metadata() => Whole(Instance(Module, "Metadata",
        Pairs([(Text("state_dict_metadata"), Pairs(Described)), (Text("storage_data"), Pairs(Places)), .. More])));

    /// <summary>Writes all files.</summary>
    public void Write(string folder, byte[]? metadata = null)
    {
        File.WriteAllBytes(Path.Combine(folder, ".metadata"), metadata ?? Metadata());
        foreach ((string name, List<byte> content) in _files)
        {
            File.WriteAllBytes(Path.Combine(folder, name), [.. content]);
        }
    }
}
