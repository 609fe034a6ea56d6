using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Checkpoints;

/// <summary>The memory that is charged for the tuples of a pickle, and that is returned for them.</summary>
public sealed class PickleBudgetTests : IDisposable
{
    private const int Tensors = 1000;
    private const long Settlement = 1 << 14; // what a budget leaves pending
    private const long Tuple = 64;

    // The storage, the function and the hooks of every tensor, with their memo numbers.
    private static readonly byte[] Before = Cat(
        Storage(), [(byte)'q', 0, (byte)'0'],
        Global("torch._utils", "_rebuild_tensor_v2"), [(byte)'q', 1, (byte)'0'],
        OrderedDict, [(byte)'q', 2, (byte)'0']);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // The empty tuple is shared and costs nothing. Memory that is returned for it was never charged, and would remove the limit.
    [Fact]
    public void Tensors_of_no_dimensions_cost_the_same_whether_their_empty_tuples_are_shared_or_made()
    {
        long shared = LeastMemory("shared.pth", EmptyTuple);
        long made = LeastMemory("made.pth", PickleForge.Tuple());

        Assert.InRange(shared - made, -2 * Settlement, 2 * Settlement);
        Assert.True(Tensors * Tuple > 2 * Settlement);
    }

    [Fact]
    public void The_pass_over_a_pickle_before_its_values_are_made_can_be_cancelled()
    {
        using var file = CheckpointFileReader.Open(_folder.Write("data.pkl", [.. Enumerable.Repeat((byte)'N', 10_000)]));

        Assert.Throws<OperationCanceledException>(() =>
            PickleRecalls.Of(file, 0, file.Length, FileBudget.Unlimited(), new CancellationToken(true)));
    }

    // Python numbers every value that it writes, and uses few of them again. The numbers of the values are then no reason to keep them.
    [Fact]
    public void A_file_of_the_older_format_opens_with_as_many_tensors_as_an_archive()
    {
        const int Many = 100_000;
        uint number = 3;
        byte[] Kept() => Cat("r"u8.ToArray(), Four(number++));
        byte[] One() => Cat([(byte)'K', 1], [0x85], Kept());
        byte[] Hooks() => Cat([(byte)'h', 2], EmptyTuple, Reduce, Kept());
        byte[] Key(int i) => Text(FormattableString.Invariant($"{94_000_000_000_000 + (64L * i)}"));
        IEnumerable<byte[]> tensors = Enumerable.Range(0, Many).Select(i => Cat(
            Text(FormattableString.Invariant($"layers.{i}.weight")), Kept(),
            [(byte)'h', 0], Mark,
            Tuple(Cat(Text("storage")), Cat([(byte)'h', 1]), Cat(Key(i), Kept()), Text("cpu"), [(byte)'K', 1], None), Kept(), Persistent,
            [(byte)'K', 0], One(), One(), False, Hooks(), "t"u8.ToArray(), Kept(), Reduce, Kept()));
        byte[] before = Cat(
            Global("torch._utils", "_rebuild_tensor_v2"), [(byte)'q', 0, (byte)'0'],
            Global("torch", "FloatStorage"), [(byte)'q', 1, (byte)'0'],
            Global("collections", "OrderedDict"), [(byte)'q', 2, (byte)'0']);
        string path = _folder.Write("legacy.pth", LegacyCorpus.Make(
            value: Whole(before, EmptyDict, Mark, Cat(tensors), "u"u8.ToArray()),
            keys: Whole(List(Enumerable.Range(0, Many).Select(Key))),
            elements: Cat(Enumerable.Range(0, Many).Select(i => Cat(Eight(1), Four((uint)i))))));

        Checkpoint checkpoint = Checkpoint.Open(path);

        Assert.Equal(Many, checkpoint.Tensors.Length);
        Assert.Equal("layers.99999.weight", checkpoint.Tensors[^1].Name);
        Assert.Equal(BitConverter.GetBytes(Many - 1), CheckpointKit.Elements(checkpoint, "layers.99999.weight"));
    }

    // The bits of the numbers that are used again are in an array, which can be longer than the pickle.
    [Fact]
    public void A_memo_number_above_the_length_of_the_pickle_is_as_good_as_any()
    {
        byte[] Twice(uint number) => Cat(None, "r"u8.ToArray(), Four(number), Bytes("0j"), Four(number), Bytes("0"));
        byte[] pickle = Whole(
            Text(new string('x', 60)), Bytes("0"), Twice(190), Twice(195), Tensor(), "r"u8.ToArray(), Four(380), Bytes("0"),
            Dict(("a", Cat("j"u8.ToArray(), Four(380)))));
        Assert.InRange(pickle.Length, 196, 379);

        Assert.Single(Checkpoint.Open(_folder.Write("x.pth", ZipForge.Torch(pickle: pickle))).Tensors);
    }

    // Returns the minimum memory with which a file opens that creates tensors and drops them.
    private long LeastMemory(string name, byte[] nothing)
    {
        byte[] tensor = Cat(
            [(byte)'h', 1, (byte)'(', (byte)'h', 0, (byte)'K', 0],
            nothing, nothing, False, [(byte)'h', 2, (byte)'t', (byte)'R', (byte)'0']);
        string path = _folder.Write(name, ZipForge.Torch(pickle: Whole(Before, Repeat(tensor, Tensors), StateDict())));
        long low = 0;
        long high = 64 << 20;
        Assert.True(Opens(high));
        while (high - low > 256)
        {
            long middle = (low + high) / 2;
            (low, high) = Opens(middle) ? (low, middle) : (middle, high);
        }
        return high;

        bool Opens(long bytes)
        {
            try
            {
                _ = Checkpoint.Open(path, new OpenLimits { HeaderMemoryBytes = bytes });
                return true;
            }
            catch (MemLoadException e)
            {
                Assert.Equal("ML1013", e.Rule.Id);
                return false;
            }
        }
    }
}
