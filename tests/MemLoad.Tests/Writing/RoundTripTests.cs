namespace MemLoad.Tests.Writing;

public sealed class RoundTripTests
{
    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_checkpoint_written_as_pth_comes_back_view_for_view(string name)
    {
        using var folder = new TemporaryFolder();
        var original = Checkpoint.Open(Fixtures.PathOf(name));
        CheckpointWriter.Write(original, folder["copy.pth"], CheckpointFormat.TorchZip);

        var copy = Checkpoint.Open(folder["copy.pth"]);

        Assert.Equal(original.Tensors.Select(tensor => tensor.Name), copy.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(original.Lines(strides: true), copy.Lines(strides: true));
        Assert.Equal(original.Sharing(), copy.Sharing());
        Assert.Equal(original.Tensors.Select(tensor => tensor.LazyView), copy.Tensors.Select(tensor => tensor.LazyView));
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_checkpoint_written_as_safetensors_comes_back(string name)
    {
        using var folder = new TemporaryFolder();
        var original = new Subset(Checkpoint.Open(Fixtures.PathOf(name)), tensor => tensor.DType.SafetensorsName() is not null);
        CheckpointWriter.Write(original, folder["copy.safetensors"], CheckpointFormat.Safetensors);

        Assert.Equal(original.Lines(strides: false), Checkpoint.Open(folder["copy.safetensors"]).Lines(strides: false));
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Every_checkpoint_written_as_a_folder_comes_back(string name)
    {
        using var folder = new TemporaryFolder();
        var original = Checkpoint.Open(Fixtures.PathOf(name));
        try
        {
            CheckpointWriter.Write(original, folder["copy"], CheckpointFormat.PerTensor);
        }
        catch (MemLoadException refusal)
        {
            // A bare tensor has no name for a file, and an empty folder is not a checkpoint.
            Assert.Equal(original.Tensors.IsEmpty ? Rules.FormatNotWritable : Rules.FileNameUnsafe, refusal.Rule);
            Assert.Empty(folder.Names);
            return;
        }
        Assert.Equal(original.Lines(strides: false), Checkpoint.Open(folder["copy"]).Lines(strides: false));
    }

    [Theory]
    [MemberData(nameof(AtomicityTests.Formats), MemberType = typeof(AtomicityTests))]
    public void A_checkpoint_can_replace_the_file_it_is_read_from(CheckpointFormat format)
    {
        using var folder = new TemporaryFolder();
        MemorySource source = new MemorySource().Add("a", DType.Float32, 300, 100).Add("b", DType.Int8, 7);
        CheckpointWriter.Write(source, folder["x"], format);

        CheckpointWriter.Write(Checkpoint.Open(folder["x"]), folder["x"], format, overwrite: true);

        Assert.Equal(source.Lines(strides: true), Checkpoint.Open(folder["x"]).Lines(strides: true));
    }
}
