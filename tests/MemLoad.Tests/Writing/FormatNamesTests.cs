namespace MemLoad.Tests.Writing;

/// <summary>The format for a name, and the names that a format must not have.</summary>
public sealed class FormatNamesTests
{
    [Theory]
    [InlineData("x.pth", CheckpointFormat.TorchZip)]
    [InlineData("x.PT", CheckpointFormat.TorchZip)]
    [InlineData("a.b.bin", CheckpointFormat.TorchZip)]
    [InlineData("x.safetensors", CheckpointFormat.Safetensors)]
    [InlineData("x", CheckpointFormat.PerTensor)]
    [InlineData("x.pth/", CheckpointFormat.PerTensor)]
    [InlineData("x.ckpt", null)]
    [InlineData("x.onnx", null)]
    public void A_name_determines_the_format(string path, CheckpointFormat? format) => Assert.Equal(format, FormatNames.FromPath(path));

    [Theory]
    [InlineData("x.pth", true)]
    [InlineData("x.pt", true)]
    [InlineData("x.bin", true)]
    [InlineData("x.CKPT", true)]
    [InlineData("x.safetensors", true)]
    [InlineData("x.gguf", true)]
    [InlineData("__0_0.distcp", true)]
    [InlineData("x.safetensors.Index.json", true)]
    [InlineData("x.json", false)]
    [InlineData("x", false)]
    [InlineData("x.pth.txt", false)]
    public void A_name_shows_whether_it_is_a_checkpoint(string path, bool isCheckpoint) =>
        Assert.Equal(isCheckpoint, FormatNames.IsOfCheckpoint(path));

    [Theory]
    [InlineData(CheckpointFormat.Safetensors, ".pth .PT .ckpt .gguf")]
    [InlineData(CheckpointFormat.TorchZip, ".SafeTensors .gguf")]
    [InlineData(CheckpointFormat.TorchLegacy, ".safetensors .gguf")]
    [InlineData(CheckpointFormat.Gguf, ".pth .pt .ckpt .safetensors")]
    [InlineData(CheckpointFormat.PerTensor, "")]
    public void No_format_has_the_name_of_another(CheckpointFormat format, string contradicted)
    {
        string[] extensions = [".pth", ".PT", ".ckpt", ".bin", ".safetensors", ".SafeTensors", ".gguf", ".txt", ""];
        string[] expected =
        [
            .. extensions.Where(extension =>
                contradicted.Split(' ', StringSplitOptions.RemoveEmptyEntries).Contains(extension, StringComparer.OrdinalIgnoreCase)),
        ];

        Assert.Equal(expected, extensions.Where(extension => FormatNames.Contradicts("x" + extension, format)));
        Assert.False(FormatNames.Contradicts("x" + FormatNames.ExtensionOf(format), format));
    }

    [Theory]
    [InlineData("model.pth", "model")]
    [InlineData("a/v1.5.safetensors", "v1.5")]
    [InlineData("a/model.safetensors.index.json", "model")]
    [InlineData("pytorch_model.bin.index.json", "pytorch_model")]
    [InlineData("diffusion_pytorch_model.safetensors.index.fp16.json", "diffusion_pytorch_model")]
    [InlineData("v1.5.index.json", "v1.5")]
    [InlineData("model.json", "model")]
    public void The_name_of_a_checkpoint_has_no_extension_of_its_format(string path, string name) =>
        Assert.Equal(name, FormatNames.NameOf(path));

    [Theory]
    [InlineData(CheckpointFormat.TorchZip)]
    [InlineData(CheckpointFormat.Safetensors)]
    [InlineData(CheckpointFormat.PerTensor)]
    public void The_extension_of_a_format_determines_that_format(CheckpointFormat format) =>
        Assert.Equal(format, FormatNames.FromPath("x" + FormatNames.ExtensionOf(format)));
}
