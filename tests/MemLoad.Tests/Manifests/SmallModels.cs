using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Manifests;

/// <summary>Small weights with every unusual property of state dicts, and the formats that store them.</summary>
internal static class SmallModels
{
    public static readonly string[] Formats = ["pth", "safetensors", "sharded", "folder"];

    /// <summary>
    /// Tensors of every dtype of safetensors. Some are empty, scalar or tied, and some are transposed, sliced, overlapping or expanded
    /// views.
    /// </summary>
    public static MemorySource Random(int seed)
    {
        var random = new Random(seed);
        var source = new MemorySource();
        DType[] types = [.. MemorySource.SavableDTypes.Where(dtype => dtype.SafetensorsName() is not null)];
        for (int i = random.Next(2, 8); i > 0; i--)
        {
            source.Add(
                $"block.{i}.plain",
                types[random.Next(types.Length)],
                [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => (long)random.Next(0, 7))]);
        }
        int shared = source.AddStorage(4 * 60);
        source
            .AddView("tied.a", DType.Float32, shared, 0, [6, 10], [10, 1])
            .AddView("tied.b", DType.Float32, shared, 0, [6, 10], [10, 1])
            .AddView("tied.transposed", DType.Float32, shared, 0, [10, 6], [1, 10])
            .AddView("tied.slice", DType.Float32, shared, random.Next(0, 30), [5, 3], [6, 2])
            .AddView("tied.bytes", DType.UInt8, shared, random.Next(0, 100), [20], [7]);
        int scalar = source.AddStorage(4);
        source
            .AddView("mask.expanded", DType.Float32, scalar, 0, [3, 40], [0, 0])
            .AddView("mask.zwölf 名 🙂", DType.Int16, source.AddStorage(24), 0, [2, 12], [0, 1]);
        // The bytes between the elements, which belong to no tensor.
        return source.AddView("gaps", DType.Int64, source.AddStorage(8 * 20), 1, [3, 2], [6, 2]);
    }

    /// <summary>Writes weights and returns the path to open.</summary>
    public static string Write(IWeightSource source, TemporaryFolder folder, string format)
    {
        switch (format)
        {
            case "pth":
                CheckpointWriter.Write(source, folder["model.pth"], CheckpointFormat.TorchZip);
                return folder["model.pth"];
            case "safetensors":
                CheckpointWriter.Write(source, folder["model.safetensors"], CheckpointFormat.Safetensors);
                return folder["model.safetensors"];
            case "folder":
                CheckpointWriter.Write(source, folder["tensors"], CheckpointFormat.PerTensor);
                return folder["tensors"];
            default:
                string sharded = Directory.CreateDirectory(folder["sharded"]).FullName;
                string half = source.Tensors[source.Tensors.Length / 2].Name;
                Shard("a.safetensors", before: true);
                Shard("b.safetensors", before: false);
                string map = string.Join(
                    ',',
                    source.Tensors.Select(tensor =>
                        $"{System.Text.Json.JsonSerializer.Serialize(tensor.Name)}:\"{(Before(tensor.Name) ? 'a' : 'b')}.safetensors\""));
                File.WriteAllText(Path.Combine(sharded, "model.safetensors.index.json"), $"{{\"weight_map\":{{{map}}}}}");
                return sharded;

                void Shard(string name, bool before) => CheckpointWriter.Write(
                    new Subset(source, tensor => Before(tensor.Name) == before), Path.Combine(sharded, name), CheckpointFormat.Safetensors);
                bool Before(string name) => string.CompareOrdinal(name, half) < 0;
        }
    }

    /// <summary>Returns the names of the tensors with an element that contains a byte of a storage, computed element by element.</summary>
    public static string[] Over(Checkpoint checkpoint, int storage, long at) =>
        [
            .. checkpoint
                .Tensors.Where(tensor =>
                    tensor.Storage == storage
                    && Elements(tensor.Shape.AsSpan(), tensor.Strides.AsSpan(), tensor.ElementOffset)
                        .Any(element => element * tensor.DType.ElementSize() <= at && at < (element + 1) * tensor.DType.ElementSize()))
                .Select(tensor => tensor.Name),
        ];

    private static List<long> Elements(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides, long first)
    {
        if (shape.IsEmpty)
        {
            return [first];
        }
        var elements = new List<long>();
        for (long i = 0; i < shape[0]; i++)
        {
            elements.AddRange(Elements(shape[1..], strides[1..], first + (i * strides[0])));
        }
        return elements;
    }
}
