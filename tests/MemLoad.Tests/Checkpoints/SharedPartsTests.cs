using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Checkpoints;

/// <summary>The values that tensors of a pickle share while it is read: shapes, strides, and the empty dict of hooks.</summary>
public sealed class SharedPartsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Equal_shapes_and_strides_are_one_array()
    {
        Checkpoint checkpoint = Open(
            ("a", Of([2, 2], [2, 1])), ("b", Of([4], [1])), ("c", Of([2, 2], [2, 1])), ("d", Of([4], [1])), ("e", Of([2, 2], [1, 2])));

        Assert.True(checkpoint.Tensors[0].Shape == checkpoint.Tensors[2].Shape);
        Assert.True(checkpoint.Tensors[0].Strides == checkpoint.Tensors[2].Strides);
        Assert.True(checkpoint.Tensors[1].Shape == checkpoint.Tensors[3].Shape);
        Assert.True(checkpoint.Tensors[0].Shape == checkpoint.Tensors[4].Shape);
    }

    // These shapes have one place in the table of known shapes.
    [Fact]
    public void Shapes_that_replace_one_another_keep_their_numbers()
    {
        Checkpoint checkpoint = Open(("a", Of([2, 2], [2, 1])), ("b", Of([], [])), ("c", Of([0], [1])), ("d", Of([2, 2], [2, 1])));

        Assert.Equal(["2,2", "", "0", "2,2"], checkpoint.Tensors.Select(tensor => string.Join(',', tensor.Shape)));
        Assert.Equal(["2,1", "", "1", "2,1"], checkpoint.Tensors.Select(tensor => string.Join(',', tensor.Strides)));
    }

    [Fact]
    public void A_dict_after_a_tensor_has_only_its_own_entries()
    {
        Checkpoint checkpoint = Open(
            ("a", Tensor()),
            ("first", Cat(OrderedDict, Entry("x", 1))),
            ("b", Tensor()),
            ("second", Cat(OrderedDict, Entry("y", 2))),
            ("c", Tensor(hooks: Cat(OrderedDict, Entry("hook", 3)))),
            ("third", OrderedDict));

        Assert.Equal(["a", "b", "c"], checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([("first.x", 1L), ("second.y", 2L)], Metadata(checkpoint));
    }

    [Fact]
    public void Hooks_that_the_pickle_uses_again_do_not_become_another_dict()
    {
        byte[] keep = [(byte)'q', 7];
        byte[] recall = [(byte)'h', 7];
        Checkpoint checkpoint = Open(
            ("a", Tensor(hooks: Cat(OrderedDict, keep))),
            ("first", Cat(OrderedDict, Entry("x", 1))),
            ("again", Cat(recall, Entry("y", 2))));

        Assert.Equal([("again.y", 2L), ("first.x", 1L)], Metadata(checkpoint));
    }

    private static byte[] Of(long[] shape, long[] strides) => Tensor(shape: Numbers(shape), strides: Numbers(strides));

    private static byte[] Entry(string key, long value) => Cat(Text(key), Number(value), "s"u8.ToArray());

    private static IEnumerable<(string, object?)> Metadata(Checkpoint checkpoint) =>
        checkpoint.Metadata.Select(entry => (entry.Key, entry.Value)).Order();

    private Checkpoint Open(params IEnumerable<(string Key, byte[] Value)> items) =>
        Checkpoint.Open(_folder.Write("x.pth", ZipForge.Torch(pickle: Whole(Dict(items)))));
}
