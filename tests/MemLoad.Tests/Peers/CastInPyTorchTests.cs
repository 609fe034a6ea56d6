using System.Runtime.InteropServices;
using System.Text.Json;
using MemLoad.Tests.Tensors;
using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Peers;

public sealed class CastInPyTorchTests
{
    // Prints the digest of docs/digest.md for each file and each dtype that it is cast to.
    private const string Digests = """
        import ctypes, hashlib, json, sys
        import torch
        def digest(state_dict, dtype):
            lines = []
            for name, t in sorted(state_dict.items()):
                t = (t.to(dtype) if t.is_floating_point() else t).contiguous()
                data = ctypes.string_at(t.data_ptr(), t.numel() * t.element_size()) if t.numel() else b""
                lines.append(f"{name}\t{str(t.dtype)[6:]}\t{','.join(map(str, t.shape))}\t{hashlib.sha256(data).hexdigest()}\n")
            return hashlib.sha256("".join(lines).encode()).hexdigest()
        print(json.dumps({path: {dtype: digest(torch.load(path, weights_only=True), getattr(torch, dtype)) for dtype in ("float32", "float16", "bfloat16")}
                          for path in sys.argv[1:]}))
        """;

    [NeedsFact(typeof(PythonPeer), DisplayName = "Casts give the bits that PyTorch gives")]
    public void Casts_give_the_bits_that_PyTorch_gives()
    {
        using var folder = new TemporaryFolder();
        CheckpointWriter.Write(Values(), folder["values.pth"], CheckpointFormat.TorchZip);
        string[] files = [folder["values.pth"], Fixtures.PathOf("tiny/fp32.pth")];

        JsonElement digests = PythonPeer.Run(Digests, files);

        foreach (string file in files)
        {
            foreach (DType dtype in new[] { DType.Float32, DType.Float16, DType.BFloat16 })
            {
                foreach ((Strategy strategy, string device) in new[]
                    {
                        (Strategy.Stream, "sim"),
                        (Strategy.Mmap, "cpu"),
                        (Strategy.Sequential, "sim"),
                    })
                {
                    using LoadedModel model = WeightLoader.Load(
                        new LoadRequest
                        {
                            Path = file,
                            Device = device,
                            Strategy = strategy,
                            DType = dtype,
                        });
                    Assert.Equal(digests.GetProperty(file).GetProperty(dtype.TorchName()).GetString(), WeightsDigest.Of(model.Weights));
                }
            }
        }
    }

    // Every number of the narrow types, difficult numbers of the wide types, and types that are not cast. NaNs are left out, because their
    // bits in PyTorch depend on the processor.
    private static MemorySource Values()
    {
        var source = new MemorySource();
        Add(source, "float32", DType.Float32, MemoryMarshal.AsBytes<uint>(HostileValues.Singles(withNaN: false)));
        Add(source, "float64", DType.Float64, MemoryMarshal.AsBytes<ulong>(HostileValues.Doubles(withNaN: false)));
        ushort[] sixteen = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        Add(
            source,
            "float16",
            DType.Float16,
            MemoryMarshal.AsBytes<ushort>([.. sixteen.Where(bits => !Half.IsNaN(BitConverter.UInt16BitsToHalf(bits)))]));
        Add(source, "bfloat16", DType.BFloat16, MemoryMarshal.AsBytes<ushort>([.. sixteen.Where(bits => (bits & 0x7FFF) <= 0x7F80)]));
        byte[] eight = [.. Enumerable.Range(0, 256).Select(bits => (byte)bits)];
        Add(source, "float8_e4m3fn", DType.Float8E4M3FN, [.. eight.Where(bits => (bits & 0x7F) != 0x7F)]);
        Add(source, "float8_e5m2", DType.Float8E5M2, [.. eight.Where(bits => (bits & 0x7F) <= 0x7C)]);
        Add(source, "float8_e4m3fnuz", DType.Float8E4M3FNUZ, [.. eight.Where(bits => bits != 0x80)]);
        Add(source, "float8_e5m2fnuz", DType.Float8E5M2FNUZ, [.. eight.Where(bits => bits != 0x80)]);
        int shared = source.AddStorage(MemoryMarshal.AsBytes<float>([.. Enumerable.Range(0, 1000).Select(i => i / 7f)]));
        return source.AddView("view", DType.Float32, shared, 3, [30, 4], [20, 2]).AddView("scalar", DType.Float32, shared, 999, [], [])
            .Add("empty", DType.Float32, 0, 3).Add("int64", DType.Int64, 9).Add("bool", DType.Bool, 9).Add("complex64", DType.Complex64, 9);
    }

    private static void Add(MemorySource source, string name, DType dtype, ReadOnlySpan<byte> content) =>
        source.AddView(name, dtype, source.AddStorage(content), 0, [content.Length / dtype.ElementSize()], [1]);
}
