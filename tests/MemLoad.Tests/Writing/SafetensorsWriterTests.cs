using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace MemLoad.Tests.Writing;

public sealed class SafetensorsWriterTests
{
    private static readonly DType[] Supported = [.. Enum.GetValues<DType>().Where(dtype => dtype.SafetensorsName() is not null)];

    [Fact]
    public void Tensors_follow_each_other_without_gaps_and_aligned_to_their_elements()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        foreach (DType dtype in Supported)
        {
            int block = dtype.Layout().Elements;
            source
                .Add($"b.{dtype}", dtype, 3, 5 * block)
                .Add($"a.{dtype}", dtype, block == 1 ? [] : [block])
                .Add($"empty.{dtype}", dtype, 0, 4);
        }
        int storage = source.AddStorage(64);
        source.AddView("transposed", DType.Float32, storage, 0, [4, 4], [1, 4]).AddView("shared", DType.Float32, storage, 2, [4], [1]);
        CheckpointWriter.Write(source, folder["all.safetensors"], CheckpointFormat.Safetensors);

        (JsonElement header, byte[] data) = Read(folder["all.safetensors"]);
        long end = 0;
        int tensors = 0;
        foreach (JsonProperty item in header.EnumerateObject().Where(item => item.Name != "__metadata__"))
        {
            TensorEntry tensor = source.Tensors.Single(tensor => tensor.Name == item.Name);
            long[] offsets = [.. item.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
            Assert.Equal(end, offsets[0]);
            Assert.Equal(0, offsets[0] % (tensor.DType.Layout() is { IsSingle: true } layout ? layout.Bytes : 1));
            Assert.Equal(tensor.DType.SafetensorsName(), item.Value.GetProperty("dtype").GetString());
            Assert.Equal(tensor.Shape, item.Value.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64()));
            Assert.Equal(source.HashOf(tensor), HashOf(data, offsets));
            end = offsets[1];
            tensors++;
        }
        Assert.Equal(data.Length, end);
        Assert.Equal(source.Tensors.Length, tensors);
        Assert.Equal("pt", header.GetProperty("__metadata__").GetProperty("format").GetString());
    }

    [Fact]
    public void Any_name_without_control_characters_survives_the_header()
    {
        using var folder = new TemporaryFolder();
        string[] names = ["", "a\"b\\c", "tab\t", "\u2028", "ü.名.😀", "{}[],:", "__metadata", "..", "/"];
        var source = new MemorySource();
        foreach (string name in names)
        {
            source.Add(name, DType.UInt8, 1);
        }
        CheckpointWriter.Write(source, folder["names.safetensors"], CheckpointFormat.Safetensors);

        (JsonElement header, _) = Read(folder["names.safetensors"]);
        Assert.Equal(
            names.Order(StringComparer.Ordinal),
            header.EnumerateObject().Select(item => item.Name).Where(name => name != "__metadata__").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_file_without_tensors_can_be_written()
    {
        using var folder = new TemporaryFolder();
        CheckpointWriter.Write(new MemorySource(), folder["none.safetensors"], CheckpointFormat.Safetensors);

        (JsonElement header, byte[] data) = Read(folder["none.safetensors"]);
        Assert.Equal("__metadata__", Assert.Single(header.EnumerateObject()).Name);
        Assert.Empty(data);
    }

    [Theory]
    [InlineData(DType.Complex32)]
    [InlineData(DType.Complex128)]
    public void A_dtype_that_the_format_lacks_is_refused_with_the_name_of_the_tensor(DType dtype)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("fine", DType.Float32, 2).Add("the.odd.one", dtype, 2);

        var refusal = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(source, folder["x.safetensors"], CheckpointFormat.Safetensors));

        Assert.Equal("ML9108", refusal.Rule.Id);
        Assert.Contains("the.odd.one", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(".pth", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("__metadata__")]
    [InlineData("a\nb")]
    [InlineData("a\u001b[31mb")]
    [InlineData("a\0b")]
    [InlineData("a\u0085b")]
    public void A_name_that_no_reader_accepts_is_refused_in_one_printable_line(string name)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add(name, DType.Float32, 2);

        var refusal = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(source, folder["x.safetensors"], CheckpointFormat.Safetensors));

        Assert.Equal("ML9107", refusal.Rule.Id);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
        Assert.Empty(folder.Names);
    }

    private static string HashOf(byte[] data, long[] offsets) => Convert.ToHexStringLower(
        System.Security.Cryptography.SHA256.HashData(data.AsSpan((int)offsets[0], (int)(offsets[1] - offsets[0]))));

    private static (JsonElement Header, byte[] Data) Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file));
        Assert.Equal(0, length % 8);
        Assert.Equal((byte)'{', file[8]);
        return (JsonDocument.Parse(Encoding.UTF8.GetString(file, 8, length)).RootElement, file[(8 + length)..]);
    }
}
