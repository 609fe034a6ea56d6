using System.Globalization;
using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Checkpoints;

/// <summary>
/// Legitimate values other than tensors, with the sizes of real files. No load needs them, so they are read and not kept.
/// </summary>
public sealed class LargeMetadataTests : IDisposable
{
    private const long FreeBytes = 16 << 20;
    private const int BytesPerByte = 8;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Word(int i) => string.Create(CultureInfo.InvariantCulture, $"word{i % 7919}x{i}");

    private Checkpoint Open(string name, byte[] value)
    {
        string path = _folder.Write(
            "x.pth", ZipForge.Torch(pickle: Whole(Dict(("model", StateDict()), (name, value), ("epoch", Number(3))))));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var checkpoint = Checkpoint.Open(path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, FreeBytes + (BytesPerByte * new FileInfo(path).Length));
        Assert.Equal("model.a", Assert.Single(checkpoint.Tensors).Name);
        Assert.Equal(3L, checkpoint.Metadata["epoch"]);
        return checkpoint;
    }

    [Theory]
    [InlineData(20_000)]
    [InlineData(250_000)]
    public void A_vocabulary_opens_and_is_one_entry(int words)
    {
        var checkpoint = Open("stoi", Dict(Enumerable.Range(0, words).Select(i => (Word(i), Number(i)))));

        Assert.InRange(checkpoint.Metadata["stoi"]!.ToString()!.Length, 1, 5000);
        Assert.Equal(2, checkpoint.Metadata.Count);
    }

    [Fact]
    public void A_list_of_words_opens_and_is_one_entry() =>
        Assert.Equal(2, Open("itos", List(Enumerable.Range(0, 250_000).Select(i => Text(Word(i))))).Metadata.Count);

    [Theory]
    [InlineData(20_000, false)]
    [InlineData(140_000, false)]
    [InlineData(100_000, true)]
    [InlineData(250_000, true)]
    public void A_map_of_ids_opens_and_is_one_entry(int ids, bool words)
    {
        // Python sets a thousand entries at a time.
        byte[] map = Cat(EmptyDict, Cat(Enumerable.Range(0, ids).Chunk(1000).Select(
            some => Cat(Mark, Cat(some.Select(i => Cat(Number(i), words ? Text(Word(i)) : Number(7 * i)))), "u"u8.ToArray()))));

        var checkpoint = Open("ids", map);

        Assert.Equal(2, checkpoint.Metadata.Count);
        Assert.StartsWith(
            words ? "{'0': 'word0x0', '1'" : "{'0': 0, '1': 7",
            checkpoint.Metadata["ids"]!.ToString(),
            StringComparison.Ordinal);
    }

    // Python's equality of keys: 1, 1.0 and True are one key, and '1' is another.
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void A_number_and_its_text_are_two_entries_of_one_name(int before)
    {
        byte[] Pairs(params byte[][] pairs) =>
            Cat(EmptyDict, Mark, Cat(Enumerable.Range(50, before).Select(i => Cat(Number(i), Number(i)))), Cat(pairs), "u"u8.ToArray());
        byte[] one = Cat(Number(1), Number(10));
        byte[] text = Cat(Text("1"), Tensor());

        foreach (byte[] pairs in new[] { Pairs(one, text), Pairs(text, one), Pairs(one, text, text, one, Cat(True, Number(11))) })
        {
            var checkpoint = Checkpoint.Open(_folder.Write("x.pth", ZipForge.Torch(pickle: Whole(pairs))));
            Assert.Equal("1", Assert.Single(checkpoint.Tensors).Name);
            Assert.Equal(before + 1, checkpoint.Metadata.Count);
        }
        string path = _folder.Write(
            "x.pth", ZipForge.Torch(pickle: Whole(Dict(("d", Pairs(Cat(Number(1), Tensor()), text)), ("a", Tensor())))));
        MemLoadException refusal = CheckpointKit.Refusal(path);
        Assert.Equal("ML6001", refusal.Rule.Id);
        Assert.Contains("d.1", refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal("a", Assert.Single(Checkpoint.OpenSelected(path, null, null, ["d.1"], false, default).Tensors).Name);
        Assert.Equal("ML6001", CheckpointKit.Refusal(_folder.Write("x.pth", ZipForge.Torch(pickle: Whole(
            EmptyDict, Mark, None, Number(1), Text("None"), Number(2), Text("None\0"), Number(3), "u"u8.ToArray())))).Rule.Id);
    }

    [Fact]
    public void Rows_of_a_log_open_and_are_one_entry() =>
        Assert.Equal(
            2,
            Open(
                "log",
                List(Enumerable.Range(0, 20_000).Select(i => Dict(("step", Number(i)), ("loss", Number(i)), ("rate", Number(1)))))
            ).Metadata.Count);

    [Fact]
    public void A_tensor_far_below_many_values_is_found()
    {
        string path = _folder.Write("x.pth", ZipForge.Torch(pickle: Whole(Dict(("state", Dict(
            Enumerable.Range(0, 2000).Select(i => (Word(i), i == 1500 ? List(Dict(("inner", StateDict()))) : Number(i)))))))));

        var checkpoint = Checkpoint.Open(path);

        Assert.Equal($"state.{Word(1500)}.0.inner.a", Assert.Single(checkpoint.Tensors).Name);
        Assert.Equal(1999, checkpoint.Metadata.Count);
    }

    [Fact]
    public void A_short_dict_keeps_its_values() =>
        Assert.Equal(1001, Open("some", Dict(Enumerable.Range(0, 1000).Select(i => (Word(i), Number(i))))).Metadata.Count);
}
