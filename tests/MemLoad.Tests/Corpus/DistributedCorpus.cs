using static MemLoad.Tests.Corpus.DistributedForge;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>Distributed checkpoints with incorrect metadata about itself, its chunks or its records.</summary>
internal static class DistributedCorpus
{
    private const string First = "__0_0.distcp";
    private const string Second = "__1_0.distcp";
    private static readonly byte[] Zero = Number(0);

    public static IEnumerable<HostileFile> Files =>
        [
            Folder("a data file and no metadata", "ML5101", folder => File.WriteAllBytes(Path.Combine(folder, First), Record(2))),
            Folder("metadata that was not renamed", "ML5101", folder =>
            {
                DistributedForge.Sound().Write(folder);
                File.Move(Path.Combine(folder, ".metadata"), Path.Combine(folder, ".metadata.tmp"));
            }),
            Metadata("metadata of no bytes", "ML1003", _ => []),
            Metadata("metadata that is a git-lfs pointer", "ML1011", _ =>
                PickleForge.Bytes("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")),
            Metadata("metadata that is text", "ML3002", _ => PickleForge.Bytes("?version: 1\n")),
            Metadata("metadata cut off", "ML1005", forge => forge.Metadata()[..^20]),
            Metadata("metadata without STOP", "ML1005", forge => forge.Metadata()[..^1]),
            Metadata("metadata twice", "ML3001", forge => [.. forge.Metadata(), .. forge.Metadata()]),
            Metadata("metadata that is a dict", "ML5103", _ => Whole(EmptyDict)),
            Metadata("metadata that is a state dict", "ML5102", _ => Whole(StateDict())),
            Metadata("metadata that was made and got nothing", "ML5103", _ => Whole(Instance(Module, "Metadata", null))),
            Metadata("metadata that is a class", "ML5103", _ => Whole(Global(Module, "Metadata"))),
            Metadata("metadata that is called", "ML5103", _ => Whole(Call(Module, "Metadata"))),
            Metadata("metadata made with arguments", "ML5103", _ => Whole(Global(Module, "Metadata"), Tuple(Zero), [0x81])),
            Metadata("metadata that is built twice", "ML5103", forge => [.. forge.Metadata()[..^1], .. EmptyDict, .. Build, .. Stop]),
            Metadata("metadata with a list of fields", "ML5103", _ => Whole(Instance(Module, "Metadata", EmptyList))),
            Metadata("metadata without tensors", "ML5103", _ => Whole(Instance("Metadata", ("storage_data", EmptyDict)))),
            Metadata("metadata without places", "ML5103", _ => Whole(Instance("Metadata", ("state_dict_metadata", EmptyDict)))),
            Metadata("metadata of places that are None", "ML5103", _ =>
                Whole(Instance("Metadata", ("state_dict_metadata", EmptyDict), ("storage_data", None)))),
            Made("a field that PyTorch does not write", "ML5103", forge => forge.More.Add((Text("mcore_data"), EmptyDict))),
            Made("a field that is no text", "ML5103", forge => forge.More.Add((Zero, EmptyDict))),
            Made("a version that is a number", "ML5103", forge => forge.More.Add((Text("version"), Zero))),
            Made("a storage_meta that is a dict", "ML5103", forge => forge.More.Add((Text("storage_meta"), EmptyDict))),
            Made("a program in planner_data", "ML3010", forge =>
                forge.More[0] = (Text("planner_data"), Call("os", "system", Text($"touch {PickleCorpus.Trace}")))),
            Made("eval in planner_data", "ML3010", forge => forge.More[0] = (Text("planner_data"), Call("builtins", "eval", Text("1")))),
            Made("a planner's own class", "ML5102", forge => forge.More[0] = (Text("planner_data"), Instance("my.planner", "State", null))),
            Made("Megatron's class", "ML5102", forge =>
                forge.More[0] = (Text("planner_data"), Instance("megatron.core.dist_checkpointing.strategies.torch", "MCoreMetadata", null))
            ),
            Made("a tensor in planner_data", "ML5102", forge => forge.More[0] = (Text("planner_data"), PickleForge.Tensor())),
            Made("a storage in planner_data", "ML5103", forge =>
                forge.More[0] = (Text("planner_data"), Cat(Tuple(Text("storage"), Zero), Persistent))),
            Made("a path that is a number", "ML5103", forge => forge.More[0] = (Text("planner_data"), Call("pathlib", "PosixPath", Zero))),
            Made("a memory format that there is not", "ML5103", forge =>
                Redescribe(forge, Properties(format: Call(Module, "_MEM_FORMAT_ENCODING", Number(3))))),
            Made("a memory format that is a number", "ML5103", forge => Redescribe(forge, Properties(format: Zero))),
            Made("a dtype that there is not", "ML5102", forge => Redescribe(forge, Properties("float31"))),
            Made("a dtype that PyTorch does not have", "ML5102", forge => Redescribe(forge, Properties("Q4_K"))),
            Made("a layout that there is not", "ML3006", forge => Redescribe(forge, Properties(layout: "torch.knitted"))),
            Made("a sparse tensor", "ML3005", forge => Redescribe(forge, Properties(layout: "torch.sparse_coo"))),
            Made("properties of four values", "ML5103", forge =>
                Redescribe(forge, Instance(Module, "TensorProperties", Tuple(Global("torch", "float32"), False, False, False)))),
            Made("properties in a dict", "ML5103", forge =>
                Redescribe(forge, Instance("TensorProperties", ("dtype", Global("torch", "float32"))))),
            Made("a tensor without properties", "ML5103", forge => Redescribe(forge, None)),
            Made("a size that is a tuple", "ML5103", forge => Rechunk(forge, Numbers(4, 2))),
            Made("a size of texts", "ML3006", forge => Rechunk(forge, Call("torch", "Size", Tuple(Text("4"))))),
            Made("a size of 65 dimensions", "ML5103", forge => Rechunk(forge, Size([.. Enumerable.Repeat(1L, 65)]))),
            Made("a size that is negative", "ML6002", forge => Rechunk(forge, Size(-4, 2), ChunkOf([0, 0], [-4, 2]))),
            Made("a size beyond 64 bits", "ML6002", forge =>
                Rechunk(forge, Size(1L << 40, 1L << 40), ChunkOf([0, 0], [1L << 40, 1L << 40]))),
            Made("a size whose bytes are beyond 64 bits", "ML6002", forge => Rechunk(forge, Size(1L << 62), ChunkOf([0], [1L << 62]))),
            Made("a value that is neither tensor nor bytes", "ML5103", forge => forge.Described[^1] = (Text("step"), Zero)),
            Made("a value that is a chunk", "ML5103", forge => forge.Described[^1] = (Text("step"), ChunkOf([0], [1]))),
            Made("a name that is a number", "ML5103", forge => forge.Described[^1] = (Zero, DistributedForge.Bytes())),
            Made("bytes with fields", "ML5103", forge =>
                forge.Described[^1] = (Text("step"), Instance("BytesStorageMetadata", ("a", Zero)))),
            Chunks("no chunks", "ML5106"),
            Chunks("a chunk less", "ML5106", ChunkOf([0, 0], [2, 2])),
            Chunks("a gap between chunks", "ML5106", ChunkOf([0, 0], [1, 2]), ChunkOf([2, 0], [2, 2])),
            Chunks("a hole in the middle", "ML5106", ChunkOf([0, 0], [4, 1]), ChunkOf([0, 1], [2, 1]), ChunkOf([3, 1], [1, 1])),
            Chunks("the same chunk twice", "ML5105", ChunkOf([0, 0], [2, 2]), ChunkOf([0, 0], [2, 2])),
            Chunks("chunks that overlap by a row", "ML5105", ChunkOf([0, 0], [3, 2]), ChunkOf([2, 0], [2, 2])),
            Chunks("chunks that overlap where the volumes add up", "ML5105", ChunkOf([0, 0], [3, 2]), ChunkOf([2, 0], [1, 2])),
            Chunks("columns that overlap", "ML5105", ChunkOf([0, 0], [4, 2]), ChunkOf([0, 1], [4, 1])),
            Chunks("a chunk beyond the tensor", "ML5104", ChunkOf([0, 0], [2, 2]), ChunkOf([3, 0], [2, 2])),
            Chunks("a chunk at a negative offset", "ML5104", ChunkOf([-2, 0], [2, 2]), ChunkOf([2, 0], [2, 2])),
            Chunks("a chunk whose end wraps around", "ML5104", ChunkOf([long.MaxValue, 0], [2, 2]), ChunkOf([2, 0], [2, 2])),
            Chunks("a chunk of a negative size", "ML5104", ChunkOf([0, 0], [-2, 2]), ChunkOf([2, 0], [2, 2])),
            Chunks("a chunk of fewer dimensions", "ML5104", ChunkOf([0], [8])),
            Chunks("a chunk of more dimensions", "ML5104", ChunkOf([0, 0, 0], [4, 2, 1])),
            Chunks("offsets of other dimensions than sizes", "ML5104", ChunkOf([0], [4, 2])),
            Chunks(
                "an offset beyond 64 bits",
                "ML3006",
                ChunkOfRaw(Call("torch", "Size", Tuple(Number(System.Numerics.BigInteger.One << 70), Zero)), Size(2, 2))),
            Chunks("a chunk that got no fields", "ML5103", Instance(Module, "ChunkStorageMetadata", null)),
            Chunks("a chunk without sizes", "ML5103", Instance("ChunkStorageMetadata", ("offsets", Size(0, 0)))),
            Chunks("a chunk that is a tuple", "ML5103", Tuple(Zero)),
            Made("a chunk without a record", "ML5107", forge => forge.Places.RemoveAt(1)),
            Made("an object without a record", "ML5107", forge => forge.Places.RemoveAt(2)),
            Made("a record of no tensor", "ML5107", forge => forge.Put("b", First, [0, 0], Record(2, 2))),
            Made("a record of no chunk", "ML5107", forge => forge.Put("a", First, [1, 0], Record(2, 2))),
            Made("a record of a chunk as of an object", "ML5107", forge => forge.Places[0] = (Index("a", null), forge.Places[0].Value)),
            Made("a place under a text", "ML5103", forge => forge.Places.Add((Text("index:1:a"), forge.Places[0].Value))),
            Made("a place under a number", "ML5107", forge => forge.Places.Add((Zero, forge.Places[0].Value))),
            Made("a place under an index that got no fields", "ML3001", forge =>
                forge.Places.Add((Instance(Module, "MetadataIndex", null), forge.Places[0].Value))),
            Made("an index that is changed after it was a key", "ML5103", forge =>
                forge.Places[0] = (Cat(forge.Places[0].Key, Dict(("fqn", Text("b"))), Build), forge.Places[0].Value)),
            Made("an index whose name is a number", "ML5103", forge =>
                forge.Places[0] = (Instance("MetadataIndex", ("fqn", Zero), ("index", Zero)), forge.Places[0].Value)),
            Made("a place that is a tuple", "ML5103", forge => forge.Places[0] = (forge.Places[0].Key, Tuple(Text(First), Zero, Zero))),
            Made("a place at a negative offset", "ML5103", forge => forge.Places[0] = (forge.Places[0].Key, Place(First, -1, 10))),
            Made("a place without a length", "ML5103", forge =>
                forge.Places[0] = (
                    forge.Places[0].Key,
                    Instance(DistributedForge.Storage, "_StorageInfo", Dict(("relative_path", Text(First)), ("offset", Zero))))),
            Made("a record that is compressed", "ML5112", forge =>
                forge.Places[0] = (
                    forge.Places[0].Key,
                    Instance(
                        DistributedForge.Storage,
                        "_StorageInfo",
                        Dict(
                            ("relative_path", Text(First)),
                            ("offset", Zero),
                            ("length", Number(10)),
                            ("transform_descriptors", List(Text("stream_zstd"))))))),
            Made("a record in a folder above", "ML5108", forge => forge.Places[0] = (forge.Places[0].Key, Place("../x", 0, 10))),
            Made("a record in an absolute path", "ML5108", forge => forge.Places[0] = (forge.Places[0].Key, Place("/etc/passwd", 0, 10))),
            Made("a record in the folder itself", "ML5108", forge => forge.Places[0] = (forge.Places[0].Key, Place(".", 0, 10))),
            Made("a record in a file of no name", "ML5108", forge => forge.Places[0] = (forge.Places[0].Key, Place("", 0, 10))),
            Made("a record in a file with a line break in its name", "ML5108", forge =>
                forge.Places[0] = (forge.Places[0].Key, Place("a\nb", 0, 10))),
            Made("a record in another drive", "ML5108", forge => forge.Places[0] = (forge.Places[0].Key, Place(@"C:\x", 0, 10))),
            Made("a data file that is not there", "ML5109", forge => forge.Places[0] = (forge.Places[0].Key, Place("__2_0.distcp", 0, 10))),
            Folder("a data file that was not copied", "ML5109", folder =>
            {
                DistributedForge.Sound().Write(folder);
                File.Delete(Path.Combine(folder, Second));
            }),
            Data("a data file of no bytes", "ML1005", _ => []),
            Data("a data file cut off by a byte", "ML1005", content => content[..^1]),
            Data("a data file that is a git-lfs pointer", "ML1011", _ =>
                PickleForge.Bytes("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")),
            Data("a data file of zeros", "ML2001", content => new byte[content.Length]),
            Made("a record beyond 64 bits", "ML1005", forge =>
                forge.Places[1] = (forge.Places[1].Key, Place(Second, long.MaxValue, long.MaxValue))),
            Made("a record that begins inside another", "ML5110", forge => forge.Places[2] = (forge.Places[2].Key, Place(First, 10, 20))),
            Made("a record of two chunks", "ML5110", forge => forge.Places[1] = (forge.Places[1].Key, forge.Places[0].Value)),
            Made("a record of no length", "ML1005", forge => forge.Places[1] = (forge.Places[1].Key, Place(Second, 0, 0))),
            Made("a record that is a byte too short", "ML2001", forge =>
                forge.Places[1] = (forge.Places[1].Key, Place(Second, 0, forge.Files[Second].Count - 1))),
            Made("a record that is a byte too long", "ML2001", forge =>
            {
                forge.Places[1] = (forge.Places[1].Key, Place(Second, 0, forge.Files[Second].Count + 1));
                _ = forge.Tensor("b", [2], Second, [0], [2]);
            }),
            Replaced("a record of another shape", "ML5111", Record(4, 1)),
            Replaced("a record of fewer elements", "ML5111", Record(2, 1)),
            Replaced(
                "a record of another type",
                "ML5111",
                Record([2, 2], Whole(PickleForge.Tensor(PickleForge.Storage("IntStorage"), Zero, Numbers(2, 2), Numbers(2, 1))))),
            Replaced("a record of an object", "ML5111", ZipForge.Torch(pickle: Whole(Zero))),
            Replaced("a record of a state dict", "ML5111", ZipForge.Torch()),
            Replaced(
                "a record that is turned",
                "ML5113",
                Record([2, 2], Whole(PickleForge.Tensor(PickleForge.Storage(), Zero, Numbers(2, 2), Numbers(1, 2))))),
            Replaced(
                "a record whose elements are one",
                "ML5113",
                Record([2, 2], Whole(PickleForge.Tensor(PickleForge.Storage(), Zero, Numbers(2, 2), Numbers(0, 0))))),
            Replaced(
                "a record that ends beyond its storage",
                "ML6003",
                Record([2, 2], Whole(PickleForge.Tensor(PickleForge.Storage(), Number(1), Numbers(2, 2), Numbers(2, 1))))),
            Replaced(
                "a record at a negative offset",
                "ML6002",
                Record([2, 2], Whole(PickleForge.Tensor(PickleForge.Storage(), Number(-1), Numbers(2, 2), Numbers(2, 1))))),
            Replaced("a record with a program", "ML3010", Record([2, 2], Whole(Call("os", "system", Text($"touch {PickleCorpus.Trace}"))))),
            Replaced("a record with a foreign class", "ML3004", Record([2, 2], Whole(Call("my.module", "Tensor")))),
            Replaced("a record that is compressed by zip", "ML2004", Record([2, 2], null, zip => zip.Records[2].Method = 8)),
            Replaced(
                "a record whose storage is shorter",
                "ML2013",
                Record([2, 2], Whole(PickleForge.Tensor(PickleForge.Storage(count: 5), Zero, Numbers(2, 2), Numbers(2, 1))))),
            Replaced("a record of big-endian bytes", "ML2011", Record([2, 2], null, zip => zip.Records[1].Data = "big"u8.ToArray())),
            new(HostileFile.Distributed, "a data file by itself", "ML5017", First, folder => DistributedForge.Sound().Write(folder)),
        ];

    private static void Redescribe(DistributedForge forge, byte[] properties) =>
        forge.Described[0] = (Text("a"), TensorOf(properties, Size(4, 2), ChunkOf([0, 0], [2, 2]), ChunkOf([2, 0], [2, 2])));

    private static void Rechunk(DistributedForge forge, byte[] size, params byte[][] chunks) =>
        forge.Described[0] = (Text("a"), TensorOf(Properties(), size, chunks));

    private static HostileFile Chunks(string name, string rule, params byte[][] chunks) =>
        Made(name, rule, forge => Rechunk(forge, Size(4, 2), chunks));

    private static HostileFile Folder(string name, string rule, Action<string> make) => new(HostileFile.Distributed, name, rule, "", make);

    private static HostileFile Metadata(string name, string rule, Func<DistributedForge, byte[]> content) => Folder(name, rule, folder =>
    {
        DistributedForge forge = DistributedForge.Sound();
        forge.Write(folder, content(forge));
    });

    private static HostileFile Made(string name, string rule, Action<DistributedForge> change) => Folder(name, rule, folder =>
    {
        DistributedForge forge = DistributedForge.Sound();
        change(forge);
        forge.Write(folder);
    });

    private static HostileFile Data(string name, string rule, Func<byte[], byte[]> content) => Folder(name, rule, folder =>
    {
        DistributedForge.Sound().Write(folder);
        string path = Path.Combine(folder, Second);
        File.WriteAllBytes(path, content(File.ReadAllBytes(path)));
    });

    private static HostileFile Replaced(string name, string rule, byte[] record) => Made(name, rule, forge =>
    {
        forge.Files[Second].Clear();
        forge.Files[Second].AddRange(record);
        forge.Places[1] = (forge.Places[1].Key, Place(Second, 0, record.Length));
    });
}
