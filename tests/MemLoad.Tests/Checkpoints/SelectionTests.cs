using System.Collections.Immutable;

namespace MemLoad.Tests.Checkpoints;

/// <summary>Selections from a checkpoint with entries that cannot be read. These entries are refused only if they are selected.</summary>
public sealed class SelectionTests
{
    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData(null, null, "*.c", "m.a m.b mm.a")]
    [InlineData(null, "m.?", "m.c", "m.a m.b")]
    [InlineData(null, "m.*", null, null)]
    [InlineData("m", null, null, null)]
    [InlineData("m", null, "c", "a b")]
    [InlineData("m", null, "a", null)]
    [InlineData("m", "a", null, "a")]
    [InlineData("m", "C", null, null)] // case is ignored
    [InlineData("mm", null, null, "a")]
    [InlineData("mm", "a", null, "a")]
    [InlineData("m.b", null, null, "")]
    [InlineData("m.c", null, null, null)]
    public void An_entry_that_cannot_be_read_is_refused_only_if_it_is_selected(string? key, string? include, string? exclude, string? names)
    {
        Checkpoint checkpoint = WithOneRefused();
        string[] kept = include is null ? [] : [include];
        string[] dropped = exclude is null ? [] : [exclude];
        if (names is null)
        {
            Assert.Equal("ML6013", Assert.Throws<MemLoadException>(() => checkpoint.Select(key, kept, dropped)).Rule.Id);
            return;
        }

        Checkpoint part = checkpoint.Select(key, kept, dropped);

        Assert.Equal(names, string.Join(' ', part.Tensors.Select(tensor => tensor.Name)));
    }

    [Theory]
    [InlineData("x", null, "ML6005")]
    [InlineData("a", null, "ML6005")]
    [InlineData("mm", "b", "ML6006")]
    public void An_empty_selection_is_refused(string key, string? include, string rule) =>
        Assert.Equal(rule, Assert.Throws<MemLoadException>(() => WithOneRefused().Select(key, include is null ? [] : [include])).Rule.Id);

    [Fact]
    public void A_pattern_that_is_null_is_an_argument_that_is_not_valid()
    {
        string[] patterns = ["*", null!];

        Assert.Throws<ArgumentException>(() => WithOneRefused().Select(null, patterns));
        Assert.Throws<ArgumentException>(() => WithOneRefused().Select(null, [], patterns));
    }

    // Storage 0 is in the second file, storage 1 is in the first, and the third file has none.
    [Fact]
    public void A_checkpoint_has_the_files_and_storages_that_its_tensors_use_in_the_order_of_their_use()
    {
        var builder = new CheckpointBuilder("/nowhere/x", CheckpointFormat.Sharded);
        int[] files = [.. new[] { "a", "b", "c" }.Select(name => builder.AddFile($"/nowhere/{name}", 12))];
        ImmutableArray<long> one = [1];
        builder.AddTensor(new TensorEntry("t0", DType.Float32, one, one, builder.AddStorage(files[1], 0, 4), 0));
        builder.AddTensor(new TensorEntry("t1", DType.Float32, one, one, builder.AddStorage(files[0], 4, 4), 0));

        Checkpoint checkpoint = builder.Build();

        Assert.Equal(["/nowhere/b", "/nowhere/a"], checkpoint.Files.Select(file => file.Path));
        Assert.Equal([(0, 0L), (1, 4L)], checkpoint.Storages.Select(storage => (storage.File, storage.Offset)));
    }

    [Fact]
    public void A_storage_of_no_bytes_that_no_tensor_uses_is_dropped()
    {
        var builder = new CheckpointBuilder("/nowhere/x.pth", CheckpointFormat.TorchZip);
        int file = builder.AddFile("/nowhere/x.pth", 12);
        ImmutableArray<long> one = [1];
        builder.AddTensor(new TensorEntry("t", DType.Float32, one, one, builder.AddStorage(file, 0, 4), 0));
        builder.AddStorage(file, 4, 0);

        Assert.Equal(4, Assert.Single(builder.Build().Storages).Length);
    }

    // m.a, m.b and mm.a, and m.c, which cannot be read.
    private static Checkpoint WithOneRefused()
    {
        var builder = new CheckpointBuilder("/nowhere/x.pth", CheckpointFormat.TorchZip);
        int file = builder.AddFile("/nowhere/x.pth", 12);
        foreach ((string name, int i) in new[] { "m.a", "m.b", "mm.a" }.Select((name, i) => (name, i)))
        {
            ImmutableArray<long> one = [1];
            builder.AddTensor(new TensorEntry(name, DType.Float32, one, one, builder.AddStorage(file, 4 * i, 4), 0));
        }
        builder.Refuse("m.c", Rules.TensorNameControl.Broken("as a test wants it", "/nowhere/x.pth"));
        return builder.Build();
    }
}
