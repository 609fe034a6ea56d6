namespace MemLoad.Tests.Checkpoints;

public sealed class DamagedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> OneOfEachFormat =>
        ["tiny/fp32.pth", "tiny/legacy.pth", "tiny/protocol4.pth", "tiny/fp32.safetensors", "containers/single_tensor.pt"];

    [Theory]
    [MemberData(nameof(OneOfEachFormat))]
    public void A_file_cut_off_anywhere_is_refused_by_a_rule(string name)
    {
        byte[] whole = File.ReadAllBytes(Fixtures.PathOf(name));
        string cut = _folder[Path.GetFileName(name)];
        int[] lengths = [.. Enumerable.Range(0, 16).Select(i => whole.Length * i / 16), 1, 7, 8, 9, 21, 22, whole.Length - 1];
        foreach (int length in lengths)
        {
            File.WriteAllBytes(cut, whole[..length]);
            var refusal = Assert.Throws<MemLoadException>(() => Checkpoint.Open(cut));
            Assert.DoesNotContain('\n', refusal.Message);
        }
    }

    [Theory]
    [MemberData(nameof(OneOfEachFormat))]
    public void A_damaged_byte_gives_a_rule_or_a_checkpoint_within_its_file(string name)
    {
        byte[] whole = File.ReadAllBytes(Fixtures.PathOf(name));
        string damaged = _folder[Path.GetFileName(name)];
        var random = new Random(1);
        for (int i = 0; i < 400; i++)
        {
            byte[] copy = [.. whole];
            // Headers are at both ends. Most of the middle is weights.
            int at =
                random.Next(2) == 0 ? random.Next(Math.Min(4096, copy.Length)) : copy.Length - 1 - random.Next(Math.Min(4096, copy.Length));
            copy[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(damaged, copy);
            try
            {
                var checkpoint = Checkpoint.Open(damaged);
                Assert.All(checkpoint.Storages, storage => Assert.InRange(storage.Offset + storage.Length, 0, whole.Length));
            }
            catch (MemLoadException)
            {
            }
        }
    }

    [Fact]
    public void Empty_foreign_and_misnamed_files_are_not_opened()
    {
        Assert.Equal("ML1001", Refused(_folder["missing.pth"]));
        Assert.Equal("ML1003", Refused(_folder.Write("empty.pth", [])));
        Assert.Equal("ML1004", Refused(_folder.Write("text.txt", "weights, honestly"u8.ToArray())));
        Assert.Equal("ML1008", Refused(_folder.Write("archive.safetensors", File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.pth")))));
        Assert.Equal("ML1008", Refused(_folder.Write("safe.pth", File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.safetensors")))));

        static string Refused(string path) => Assert.Throws<MemLoadException>(() => Checkpoint.Open(path)).Rule.Id;
    }
}
