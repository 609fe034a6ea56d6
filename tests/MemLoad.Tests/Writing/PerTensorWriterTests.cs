namespace MemLoad.Tests.Writing;

public sealed class PerTensorWriterTests
{
    [Fact]
    public void Each_file_contains_one_bare_contiguous_tensor_and_no_other_bytes()
    {
        using var folder = new TemporaryFolder();
        var source = new MemorySource();
        int storage = source.AddStorage(400_000);
        source.AddView("t.weight", DType.Float32, storage, 7, [20, 30], [1, 100]).AddView("t.bias", DType.Float32, storage, 0, [30], [1])
            .Add("scalar", DType.Int64).Add("none", DType.UInt16, 0, 3);
        CheckpointWriter.Write(source, folder["out"], CheckpointFormat.PerTensor);

        Assert.Equal(["out"], folder.Names);
        Assert.Equal(
            ["none.pt", "scalar.pt", "t.bias.pt", "t.weight.pt"],
            Directory.EnumerateFileSystemEntries(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (TensorEntry tensor in source.Tensors)
        {
            string file = Path.Combine(folder["out"], tensor.Name + ".pt");
            var checkpoint = Checkpoint.Open(file);
            TensorEntry read = Assert.Single(checkpoint.Tensors);
            Assert.Equal((tensor.DType, ""), (read.DType, read.Name));
            Assert.Equal(tensor.Shape.AsEnumerable(), read.Shape.AsEnumerable());
            Assert.True(read.IsContiguous);
            Assert.Equal(source.HashOf(tensor), checkpoint.HashOf(read));
            Assert.InRange(new FileInfo(file).Length, tensor.Bytes, tensor.Bytes + 1600);
        }
    }

    public static TheoryData<string> HostileNames =>
        [
            "",
            ".",
            "..",
            "../up",
            "a/b",
            "a\\b",
            "/root",
            "C:x",
            "a:b",
            "a\0b",
            "a\nb",
            "a\u0085b",
            ".hidden",
            "a.",
            "a ",
            "con",
            "NUL",
            "Com1.weight",
            "lpt9 .x",
            "a*",
            "a?",
            "a\"b",
            "a<b",
            "a|b",
            new string('n', 201),
            new string('ü', 101),
        ];

    [Theory]
    [MemberData(nameof(HostileNames))]
    public void A_name_that_is_not_a_safe_file_name_is_refused_before_the_first_write(string name)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("fine", DType.Float32, 2).Add(name, DType.Float32, 2);

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(source, folder["out"], CheckpointFormat.PerTensor));

        Assert.Equal("ML9106", refusal.Rule.Id);
        Assert.Contains("safetensors", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Names_that_differ_only_in_case_are_refused()
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("layer.W", DType.Float32, 2).Add("layer.w", DType.Float32, 2);

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(source, folder["out"], CheckpointFormat.PerTensor));

        Assert.Equal("ML9106", refusal.Rule.Id);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void The_longest_name_that_is_allowed_is_written()
    {
        using var folder = new TemporaryFolder();
        string name = new('n', 200);
        CheckpointWriter.Write(new MemorySource().Add(name, DType.Float32, 2), folder["out"], CheckpointFormat.PerTensor);

        Assert.True(File.Exists(Path.Combine(folder["out"], name + ".pt")));
    }
}
