using System.Collections.Immutable;

namespace MemLoad.Fuzz;

/// <summary>
/// Sound checkpoints of a few hundred bytes to a few KiB, by format. PyTorch wrote some of them for the tests, and the writers of MemLoad
/// wrote the others.
/// </summary>
internal static class Seeds
{
    private const int Longest = 6000;

    public static IReadOnlyDictionary<FuzzFormat, IReadOnlyList<FuzzInput>> All { get; } = Make();

    private static Dictionary<FuzzFormat, IReadOnlyList<FuzzInput>> Make()
    {
        string scratch = Directory.CreateTempSubdirectory("memload-fuzz-seeds-").FullName;
        try
        {
            var zips = new List<byte[]>();
            var legacies = new List<byte[]>();
            var safetensors = new List<byte[]>();
            foreach (string path in Directory
                    .EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "fixtures"), "*", SearchOption.AllDirectories)
                    .Order(StringComparer.Ordinal))
            {
                byte[] content = File.ReadAllBytes(path);
                if (content.Length > Longest && !path.EndsWith("legacy.pth", StringComparison.Ordinal))
                {
                    continue;
                }
                switch (Path.GetExtension(path))
                {
                    case ".safetensors":
                        safetensors.Add(content);
                        break;
                    case ".pth" or ".pt" when content[0] == 'P':
                        zips.Add(content);
                        break;
                    case ".pth" or ".pt":
                        legacies.Add(content);
                        break;
                }
            }
            var weights = new CountingWeights();
            foreach ((CheckpointFormat format, List<byte[]> into) in new[]
                {
                    (CheckpointFormat.TorchZip, zips),
                    (CheckpointFormat.Safetensors, safetensors),
                })
            {
                string path = Path.Combine(scratch, "w" + FormatNames.ExtensionOf(format));
                CheckpointWriter.Write(weights, path, format);
                into.Add(File.ReadAllBytes(path));
            }
            string folder = Path.Combine(scratch, "folder");
            CheckpointWriter.Write(weights, folder, CheckpointFormat.PerTensor);
            FuzzFile[] parts =
            [
                .. Directory
                    .EnumerateFiles(folder)
                    .Order(StringComparer.Ordinal)
                    .Select(path => new FuzzFile(Path.GetFileName(path), File.ReadAllBytes(path))),
            ];
            legacies.AddRange(zips.Select(Legacy.FromZip).OfType<byte[]>());
            return new Dictionary<FuzzFormat, IReadOnlyList<FuzzInput>>
            {
                [FuzzFormat.Zip] = [.. zips.Select(content => One(FuzzFormat.Zip, "x.pth", content))],
                [FuzzFormat.Legacy] =
                [
                    .. legacies.Where(content => content.Length <= Longest).Select(content => One(FuzzFormat.Legacy, "x.pt", content)),
                ],
                [FuzzFormat.Safetensors] = [.. safetensors.Select(content => One(FuzzFormat.Safetensors, "x.safetensors", content))],
                [FuzzFormat.Index] =
                [
                    Index("model.safetensors", safetensors[^1], safetensors.Count > 1 ? safetensors[0] : null),
                    Index("pytorch_model.bin", zips[^1], null),
                ],
                [FuzzFormat.Folder] =
                [
                    new FuzzInput(FuzzFormat.Folder, parts, null),
                    new FuzzInput(
                        FuzzFormat.Folder,
                        [new FuzzFile("a.safetensors", One("a")), new FuzzFile("b.safetensors", One("b"))],
                        null),
                ],
                [FuzzFormat.Distributed] =
                [
                    .. Directory
                        .EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "fixtures", "distributed"))
                        .Order(StringComparer.Ordinal)
                        .Select(Distributed),
                ],
                [FuzzFormat.Gguf] = [.. GgufModel.Sound().Select(content => One(FuzzFormat.Gguf, "x.gguf", content))],
            };
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static FuzzInput Distributed(string folder) =>
        new(
            FuzzFormat.Distributed,
            [
                .. Directory
                    .EnumerateFiles(folder)
                    .Order(StringComparer.Ordinal)
                    .Select(path => new FuzzFile(Path.GetFileName(path), File.ReadAllBytes(path))),
            ],
            null);

    private static FuzzInput One(FuzzFormat format, string name, byte[] content) => new(format, [new FuzzFile(name, content)], name);

    private static FuzzInput Index(string name, byte[] first, byte[]? second)
    {
        string extension = Path.GetExtension(name);
        List<FuzzFile> shards =
        [
            new($"s1{extension}", first),
            .. second is null ? Array.Empty<FuzzFile>() : [new FuzzFile($"s2{extension}", second)],
        ];
        string scratch = Directory.CreateTempSubdirectory("memload-fuzz-index-").FullName;
        var lines = new List<string>();
        foreach (FuzzFile shard in shards)
        {
            string path = Path.Combine(scratch, shard.Name);
            File.WriteAllBytes(path, shard.Content);
            lines.AddRange(Checkpoint.Open(path).Tensors.Select(tensor => $"\"{tensor.Name}\":\"{shard.Name}\""));
        }
        Directory.Delete(scratch, recursive: true);
        string index = "{\"metadata\":{\"total_size\":1234,\"format\":\"pt\"},\"weight_map\":{" + string.Join(',', lines) + "}}";
        return new FuzzInput(
            FuzzFormat.Index,
            [new FuzzFile($"{name}.index.json", System.Text.Encoding.UTF8.GetBytes(index)), .. shards],
            $"{name}.index.json");
    }

    private static byte[] One(string name)
    {
        byte[] header = System.Text.Encoding.ASCII.GetBytes(
            $"{{\"{name}\":{{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}}}");
        return [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. Enumerable.Range(1, 16).Select(i => (byte)i)];
    }

    /// <summary>A few small tensors of several types, shapes and strides, whose bytes count up.</summary>
    private sealed class CountingWeights : IWeightSource
    {
        public ImmutableArray<TensorEntry> Tensors { get; } =
        [
            new("w.a", DType.Float32, [2, 3], [3, 1], 0, 0),
            new("w.b", DType.Float16, [4], [1], 1, 0),
            new("bias", DType.Int64, [], [], 2, 0),
            new("empty", DType.UInt8, [0, 3], [3, 1], 3, 0),
        ];

        public ImmutableArray<long> StorageLengths { get; } = [24, 8, 8, 0];

        public void StreamStorage(int storage, ElementSink sink) => sink(Content((int)StorageLengths[storage]));

        public void StreamElements(TensorEntry tensor, ElementSink sink) => sink(Content((int)tensor.Bytes));

        private static byte[] Content(int length) => [.. Enumerable.Range(1, length).Select(i => (byte)i)];
    }
}
