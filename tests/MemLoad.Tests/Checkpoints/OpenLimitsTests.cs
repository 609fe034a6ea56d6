using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Checkpoints;

public sealed class OpenLimitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_honest_expanded_view_loads_a_bomb_does_not_and_its_refusal_says_how_to_let_it_in()
    {
        // A mask of 1024 × 1024 over one row, as expand() creates it, and 2⁴⁰ elements over four elements.
        string honest = _folder.Write("honest.pth", Expanded(1 << 20));
        string bomb = _folder.Write("bomb.pth", Expanded(1L << 40));

        Assert.Equal(1L << 20, Checkpoint.Open(honest).Tensors[0].ElementCount);
        MemLoadException refusal = CheckpointKit.Refusal(bomb);
        Assert.Equal("ML6004", refusal.Rule.Id);
        Assert.Contains("MEMLOAD_LIMITS to expanded-bytes=4398046511104", refusal.Message, StringComparison.Ordinal);

        OpenLimits raised = OpenLimits.Parse("expanded-bytes=4398046511104");
        Assert.Equal(1L << 40, Checkpoint.Open(bomb, raised).Tensors[0].ElementCount);
        Assert.Equal(
            "ML6012", Assert.Throws<MemLoadException>(() => Checkpoint.Open(bomb, raised with { ExpandedBytes = 1L << 40 })).Rule.Id);
    }

    [Fact]
    public void Each_limit_is_raised_by_its_name_alone()
    {
        string deep = _folder.Write("deep.pth", ZipForge.Torch(pickle: Whole(Repeat(EmptyList, 300), Repeat("a"u8.ToArray(), 299))));
        string named = _folder.Write("named.pth", ZipForge.Torch(pickle: Whole(StateDict(name: new string('n', 5000)))));
        string wide = _folder.Write("wide.pth", ZipForge.Torch(pickle: Whole(Mark, Repeat(EmptyDict, 1_000_000), Bytes("l"))));

        Assert.Equal(("ML3007", "ML6014", "ML1013"), (Refused(deep, ""), Refused(named, ""), Refused(wide, "")));
        Assert.Equal(("ML3007", "ML6014", "ML1013"),
            (Refused(deep, "name-length=9999"), Refused(named, "header-memory=1000000000"), Refused(wide, "nesting=400,expanded-bytes=1")));
        Assert.Empty(Checkpoint.Open(deep, OpenLimits.Parse("nesting=400")).Tensors);
        Assert.Single(Checkpoint.Open(named, OpenLimits.Parse(" name-length = 5000 ")).Tensors);
        Assert.Empty(Checkpoint.Open(wide, OpenLimits.Parse("header-memory=1000000000")).Tensors);

        static string Refused(string path, string limits) =>
            Assert.Throws<MemLoadException>(() => Checkpoint.Open(path, OpenLimits.Parse(limits))).Rule.Id;
    }

    [Theory]
    [InlineData("nesting=0")]
    [InlineData("nesting=200")]
    [InlineData("nesting=4000")]
    [InlineData("header-memory=0")]
    [InlineData("name-length=0")]
    public void A_refusal_names_a_limit_that_can_be_set_and_is_higher(string limit)
    {
        string deep = _folder.Write("deep.pth", ZipForge.Torch(pickle:
            Whole(Repeat(EmptyList, 6000), StateDict(), Repeat("a"u8.ToArray(), 6000))));
        string name = limit[..limit.IndexOf('=', StringComparison.Ordinal)];
        OpenLimits limits = OpenLimits.Parse(name == "nesting" ? $"{limit},name-length=20000,header-memory=1000000000" : limit);
        string path = name == "nesting" ? deep
            : _folder.Write("x.pth", ZipForge.Torch(pickle: Whole(StateDict(name: new string('n', 9000)))));

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(path, limits));

        string raised = refusal.Message[refusal.Message.IndexOf($"{name}=", StringComparison.Ordinal)..].Split(' ')[0];
        Assert.True(Number(raised) > Number(limit), refusal.Message);
        _ = OpenLimits.Parse(raised);

        static long Number(string text) => long.Parse(text.Split('=')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void The_refusal_of_the_deepest_nesting_names_no_limit()
    {
        string deep = _folder.Write("deep.pth", ZipForge.Torch(pickle: Whole(Repeat(EmptyList, 6000), Repeat("a"u8.ToArray(), 5999))));

        MemLoadException refusal = Assert.Throws<MemLoadException>(() =>
            Checkpoint.Open(deep, OpenLimits.Parse("nesting=5000,name-length=20000,header-memory=1000000000")));

        Assert.Equal("ML3007", refusal.Rule.Id);
        Assert.DoesNotContain("nesting=", refusal.Message, StringComparison.Ordinal);
    }

    // The file is opened on any thread. Shards are opened on threads with small stacks.
    [Fact]
    public void The_deepest_nesting_that_can_be_asked_for_needs_no_deep_stack()
    {
        string deep = _folder.Write("deep.pth", ZipForge.Torch(pickle: Whole(Repeat(EmptyList, 5000), Repeat("a"u8.ToArray(), 4999))));
        string deeper = _folder.Write("deeper.pth", ZipForge.Torch(pickle: Whole(Repeat(EmptyList, 6000), Repeat("a"u8.ToArray(), 5999))));
        var limits = OpenLimits.Parse("nesting=5000,name-length=20000,header-memory=1000000000");
        string[] found = new string[2];
        var opener = new Thread(() =>
        {
            found[0] = $"{Checkpoint.Open(deep, limits).Tensors.Length} tensors";
            found[1] = Assert.Throws<MemLoadException>(() => Checkpoint.Open(deeper, limits)).Rule.Id;
        }, maxStackSize: 128 << 10);
        opener.Start();
        opener.Join();

        Assert.Equal(["0 tensors", "ML3007"], found);
    }

    [Fact]
    public void A_long_list_of_numbers_is_one_entry_of_the_metadata()
    {
        byte[] pickle = Whole(
            Dict(("losses", List(Enumerable.Range(0, 100_000).Select(i => Number(i)))), ("a", Tensor()), ("betas", Numbers(1, 2))));
        var checkpoint = Checkpoint.Open(_folder.Write("x.pth", ZipForge.Torch(pickle: pickle)));

        Assert.Equal(["betas.0", "betas.1", "losses"], checkpoint.Metadata.Keys.Order(StringComparer.Ordinal));
        Assert.StartsWith("[0, 1, 2, 3", Assert.IsType<string>(checkpoint.Metadata["losses"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nesting")]
    [InlineData("nesting=")]
    [InlineData("nesting=-1")]
    [InlineData("nesting=1e3")]
    [InlineData("nesting=1000000")]
    [InlineData("nesting=200,depth=3")]
    public void What_is_no_limit_is_refused(string text) =>
        Assert.Equal("ML1014", Assert.Throws<MemLoadException>(() => OpenLimits.Parse(text)).Rule.Id);

    private static byte[] Expanded(long elements) =>
        ZipForge.Torch(pickle: Whole(StateDict(Tensor(shape: Numbers(elements), strides: Numbers(0)))));
}
