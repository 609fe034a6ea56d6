using System.Text.Json;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Peers;

public sealed class WrittenFilesInPyTorchTests
{
    // Loads each file of "how path how path …" and prints the facts about its tensors that MemLoad's reader also gives.
    private const string Describe = """
        import ctypes, hashlib, json, sys
        import torch
        def load(how, path):
            if how == "safetensors":
                from safetensors.torch import load_file
                return load_file(path)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=how == "mmap")
        def sha(t):
            t = t.detach()
            t = t.resolve_conj() if t.is_conj() else t
            t = t.resolve_neg() if t.is_neg() else t
            t = t.contiguous()
            return hashlib.sha256(ctypes.string_at(t.data_ptr(), t.numel() * t.element_size()) if t.numel() else b"").hexdigest()
        def describe(loaded):
            kind = type(loaded).__name__
            if isinstance(loaded, torch.Tensor):
                loaded = {"": loaded}
            return {
                "type": kind,
                "names": list(loaded),
                "lines": ["\t".join([n, str(t.dtype)[6:], ",".join(map(str, t.shape)), ",".join(map(str, t.stride())), sha(t)]) for n, t in loaded.items()],
                "storages": [t.untyped_storage().data_ptr() if t.numel() else -i for i, t in enumerate(loaded.values())],
                "lazy": [t.is_conj() + 2 * t.is_neg() for t in loaded.values()]}
        print(json.dumps([describe(load(how, path)) for how, path in zip(sys.argv[1::2], sys.argv[2::2])]))
        """;

    private const string SaveAgain = """
        import json, sys
        from safetensors.torch import load_file, save_file
        save_file(load_file(sys.argv[1]), sys.argv[2], metadata={"format": "pt"})
        print(json.dumps(True))
        """;

    [NeedsFact(typeof(PythonPeer), DisplayName = "PyTorch loads every dtype and view that MemLoad writes as pth")]
    public void PyTorch_loads_every_dtype_and_view_we_write_as_pth()
    {
        using var folder = new TemporaryFolder();
        MemorySource source = Everything();
        CheckpointWriter.Write(source, folder["all.pth"], CheckpointFormat.TorchZip);

        JsonElement[] ways = Load(("plain", folder["all.pth"]), ("mmap", folder["all.pth"]));
        Assert.Equal(2, ways.Length);
        foreach (JsonElement loaded in ways)
        {
            Assert.Equal("OrderedDict", loaded.GetProperty("type").GetString());
            Assert.Equal(source.Tensors.Select(tensor => tensor.Name), Strings(loaded, "names"));
            Assert.Equal(source.Lines(strides: true), Strings(loaded, "lines").Order(StringComparer.Ordinal));
            Assert.Equal(source.Tensors.Select(tensor => (long)tensor.LazyView), Numbers(loaded, "lazy"));
            // Views share memory in PyTorch exactly where they share a storage and a storage class.
            long[] storages = [.. Numbers(loaded, "storages")];
            for (int i = 0; i < storages.Length; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    TensorEntry a = source.Tensors[i];
                    TensorEntry b = source.Tensors[j];
                    bool together = a.Storage == b.Storage && a.ElementCount > 0 && b.ElementCount > 0
                        && (a.DType == b.DType || (TorchStorageClass.Of(a.DType) is null && TorchStorageClass.Of(b.DType) is null));
                    Assert.True(together == (storages[i] == storages[j]), $"{a.Name} and {b.Name}");
                }
            }
        }
    }

    [NeedsFact(typeof(PythonPeer), DisplayName = "PyTorch loads each file of a per tensor folder as a bare tensor")]
    public void PyTorch_loads_each_file_of_a_per_tensor_folder_as_a_bare_tensor()
    {
        using var folder = new TemporaryFolder();
        var source = new Subset(Everything(), tensor => !tensor.Name.Contains('\n', StringComparison.Ordinal));
        CheckpointWriter.Write(source, folder["out"], CheckpointFormat.PerTensor);

        JsonElement[] files = Load([.. source.Tensors.Select((tensor, i) =>
            (i % 2 == 0 ? "mmap" : "plain", Path.Combine(folder["out"], tensor.Name + ".pt")))]);

        Assert.Equal(source.Tensors.Length, files.Length);
        foreach ((TensorEntry tensor, JsonElement loaded) in source.Tensors.Zip(files))
        {
            Assert.Equal("Tensor", loaded.GetProperty("type").GetString());
            Assert.Equal([Contiguous(source, tensor with { Name = "" })], Strings(loaded, "lines"));
        }
    }

    [NeedsFact(typeof(PythonPeer), DisplayName = "PyTorch loads a hundred thousand tensors and more records than a plain zip counts")]
    public void PyTorch_loads_a_hundred_thousand_tensors_and_more_records_than_a_plain_zip_counts()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        int storage = source.AddStorage(34_000);
        for (int i = 0; i < 100_000; i++)
        {
            if (i % 3 == 0)
            {
                source.AddView($"t{i}", DType.UInt8, storage, i / 3, [1], [1]);
            }
            else
            {
                source.Add($"t{i}", DType.UInt8, 1);
            }
        }
        CheckpointWriter.Write(source, folder["many.pth"], CheckpointFormat.TorchZip);

        Assert.Equal(source.Lines(strides: true), Strings(Load(("mmap", folder["many.pth"]))[0], "lines").Order(StringComparer.Ordinal));
    }

    [NeedsFact(typeof(PythonPeer), DisplayName = "Safetensors loads the files of MemLoad and would have written the same bytes")]
    public void Safetensors_loads_what_we_write_and_would_have_written_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        // The types that safetensors has a name for and that version 0.4 of the Python package supports.
        var source = new Subset(Everything(), tensor => tensor.DType.SafetensorsName() is not null
            && !tensor.Name.Contains('\n', StringComparison.Ordinal)
            && tensor.DType
                is not (DType.Complex64 or DType.UInt16 or DType.UInt32 or DType.UInt64 or DType.Float8E4M3FNUZ or DType.Float8E5M2FNUZ));
        CheckpointWriter.Write(source, folder["ours.safetensors"], CheckpointFormat.Safetensors);

        JsonElement loaded = Load(("safetensors", folder["ours.safetensors"]))[0];
        PythonPeer.Run(SaveAgain, folder["ours.safetensors"], folder["theirs.safetensors"]);

        Assert.Equal(
            source.Tensors.Select(tensor => Contiguous(source, tensor)).Order(StringComparer.Ordinal),
            Strings(loaded, "lines").Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllBytes(folder["theirs.safetensors"]), File.ReadAllBytes(folder["ours.safetensors"]));
    }

    // Every dtype as a whole storage, as a scalar, as an empty tensor and as a strided view. Shared, expanded and lazy views. Names that
    // need escapes.
    private static MemorySource Everything()
    {
        var source = new MemorySource();
        foreach (DType dtype in MemorySource.SavableDTypes)
        {
            string name = dtype.TorchName();
            source.Add(name, dtype, 3, 5).Add($"scalar.{name}", dtype).Add($"empty.{name}", dtype, 0, 4);
            int storage = source.AddStorage(100 * dtype.ElementSize(), dtype == DType.Bool);
            source.AddView($"view.{name}", dtype, storage, 7, [3, 4], [2, 20]).AddView($"tail.{name}", dtype, storage, 90, [10], [1])
                .AddView($"expanded.{name}", dtype, storage, 5, [6, 2, 1], [0, 3, 11]);
        }
        int complex = source.AddStorage(400);
        source.AddView("conj", DType.Complex64, complex, 2, [4, 3], [1, 4], LazyView.Conjugate)
            .AddView("neg", DType.Complex64, complex, 0, [5], [2], LazyView.Negative)
            .AddView("both", DType.Complex64, complex, 9, [5], [1], LazyView.Conjugate | LazyView.Negative)
            .AddView("neg.real", DType.Float64, source.AddStorage(80), 1, [3], [3], LazyView.Negative)
            .AddView("conj.half", DType.Complex32, source.AddStorage(80), 1, [3], [3], LazyView.Conjugate);
        int mixed = source.AddStorage(400);
        source.AddView("mixed.float", DType.Float32, mixed, 10, [5, 2], [3, 1]).AddView("mixed.float2", DType.Float32, mixed, 12, [5], [1])
            .AddView("mixed.short", DType.Int16, mixed, 11, [5], [1]).AddView("mixed.uint16", DType.UInt16, mixed, 11, [5], [1])
            .AddView("mixed.fp8", DType.Float8E4M3FN, mixed, 20, [5], [1]);
        return source.Add("ü.名.😀", DType.Float32, 2).Add("line\nbreak\t\"quote\" \\ \u0001", DType.Float32, 2)
            .Add("seven dims", DType.Int8, 1, 2, 1, 3, 2, 1, 2);
    }

    private static JsonElement[] Load(params (string How, string Path)[] files) =>
        [.. PythonPeer.Run(Describe, [.. files.SelectMany(file => new[] { file.How, file.Path })]).EnumerateArray()];

    private static string Contiguous(Subset source, TensorEntry tensor) => string.Join('\t',
        tensor.Name, tensor.DType.TorchName(), string.Join(',', tensor.Shape), string.Join(',', ShapeMath.ContiguousStrides(tensor.Shape)),
        source.HashOf(tensor));

    private static IEnumerable<string> Strings(JsonElement loaded, string property) =>
        loaded.GetProperty(property).EnumerateArray().Select(item => item.GetString()!);

    private static IEnumerable<long> Numbers(JsonElement loaded, string property) =>
        loaded.GetProperty(property).EnumerateArray().Select(item => item.GetInt64());
}
