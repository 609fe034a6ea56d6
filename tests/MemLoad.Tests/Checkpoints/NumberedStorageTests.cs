using MemLoad.Tests.Corpus;
using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Checkpoints;

/// <summary>The storages of an archive are found by their keys, which can be numbers or text.</summary>
public sealed class NumberedStorageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // The keys are numbers in order and not in order, below and above the number of records, with leading zeros, and text.
    [Theory]
    [InlineData("0", "1", "2", "3")]
    [InlineData("3", "1", "0", "2")]
    [InlineData("00", "0", "01", "1")]
    [InlineData("94210938475104", "2147483648", "7", "6")]
    [InlineData("-1", "+1", "1 ", "1")]
    [InlineData("x", "x/1", "1", "y/1")]
    [InlineData("x/0", "0", "x/1", "1")]
    [InlineData("١", "1", "é/1", "é/2")]
    public void Each_tensor_has_the_bytes_of_the_record_with_its_key(params string[] keys)
    {
        byte[] pickle = Whole(Dict(keys.Select((key, i) => ($"t{i}", Tensor(Storage(key: key))))));
        string path = _folder.Write("x.pth", ZipForge.Torch(zip =>
        {
            zip.Records.RemoveAll(record => record.Name.AsSpan().EndsWith("/0"u8));
            for (int i = keys.Length - 1; i >= 0; i--)
            {
                zip.Add($"archive/data/{keys[i]}", [.. Enumerable.Repeat((byte)(i + 1), 16)]);
            }
        }, pickle));

        Checkpoint checkpoint = Checkpoint.Open(path);

        byte[] file = File.ReadAllBytes(path);
        Assert.Equal(keys.Length, checkpoint.Storages.Length);
        for (int i = 0; i < keys.Length; i++)
        {
            Extent storage = checkpoint.Storages[checkpoint.Tensors[i].Storage];
            Assert.Equal(16, storage.Length);
            Assert.Equal(i + 1, file[storage.Offset]);
        }
    }

    [Theory]
    [InlineData("archive/DATA/0", "0")]
    [InlineData("archive/data/00", "0")]
    [InlineData("archive/data/1", "0")]
    [InlineData("archive/data/X", "x")]
    [InlineData("archive/data/0", "00")]
    [InlineData("archive/data/0", "4294967296")]
    [InlineData("archive/data/0", "0\0")] // parsers of .NET accept NUL after a number
    public void A_record_with_another_name_is_not_that_of_the_storage(string record, string key)
    {
        string path = _folder.Write("x.pth", ZipForge.Torch(
            zip => zip["data/0"].Name = System.Text.Encoding.UTF8.GetBytes(record), Whole(StateDict(Tensor(Storage(key: key))))));

        Assert.Equal("ML2012", Assert.Throws<MemLoadException>(() => Checkpoint.Open(path)).Rule.Id);
    }

    [Theory]
    [InlineData("archive/data/1", "archive/DATA/1")]
    [InlineData("archive/DATA/1", "archive/data/1")]
    [InlineData("archive/data/x", "archive/data/X")]
    [InlineData("archive/data/99", "archive/Data/99")]
    public void Names_that_differ_in_case_only_are_refused_with_numbers_and_without(string one, string other)
    {
        string path = _folder.Write("x.pth", ZipForge.Torch(zip =>
        {
            zip.Add(one, []);
            zip.Add(other, []);
        }));

        Assert.Equal("ML2006", Assert.Throws<MemLoadException>(() => Checkpoint.Open(path)).Rule.Id);
    }

    [Theory]
    [InlineData("archive/data/1\0", "ML2007")]
    [InlineData("archive/data/1\n", "ML2007")]
    [InlineData("archive/data/", "ML2015")]
    public void A_name_that_begins_like_those_of_storages_is_checked_like_any_other(string name, string rule)
    {
        string path = _folder.Write("x.pth", ZipForge.Torch(zip => zip.Add(name, [1])));

        Assert.Equal(rule, Assert.Throws<MemLoadException>(() => Checkpoint.Open(path)).Rule.Id);
    }

    // A reference is reused for another storage after its tensor is created, unless the pickle keeps it by number or by DUP.
    [Fact]
    public void A_reference_that_the_pickle_keeps_stays_that_of_its_storage()
    {
        byte[] put = [(byte)'q', 9];
        byte[] get = [(byte)'h', 9];
        byte[] dup = "2"u8.ToArray();
        byte[] pickle = Whole(Dict(
            ("a", Tensor(Cat(Storage(), put))),
            ("b", Tensor(Storage(key: "1"))),
            ("c", Tensor(get)),
            ("d", Tensor(Storage(key: "1"), hooks: Cat(Storage(key: "2"), dup, "00"u8.ToArray(), None))),
            ("e", Tensor(get)),
            ("f", Tensor(Storage(key: "2")))));
        string path = _folder.Write("x.pth", ZipForge.Torch(zip =>
        {
            zip.Add("archive/data/1", new byte[16]);
            zip.Add("archive/data/2", new byte[16]);
        }, pickle));

        Checkpoint checkpoint = Checkpoint.Open(path);

        Assert.Equal([0, 1, 0, 1, 0, 2], checkpoint.Tensors.Select(tensor => tensor.Storage));
    }
}
