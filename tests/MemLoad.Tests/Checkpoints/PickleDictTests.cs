using System.Text;

namespace MemLoad.Tests.Checkpoints;

/// <summary>Keys of dicts that are equal in Python, and keys that only have the same text.</summary>
public sealed class PickleDictTests
{
    private static readonly FileBudget Budget = FileBudget.Unlimited();

    [Fact]
    public void A_copy_finds_its_keys_of_every_kind()
    {
        PickleDict source = Of(("w", 0), (2.5, 1), (1L, 2), ("1", 3));

        var copy = PickleDict.Copy(PickleDictKind.OrderedDict, source, Budget);

        Assert.True(copy.HasRepeatedNames);
        Assert.Equal(source.Items, copy.Items);
        Assert.Equal(["w", "2.5", "1", "1"], Names(copy));
        // Each key is found again: the last value counts.
        Set(copy, ("w", 10), (2.5, 11), (true, 12), ("1", 13));
        Assert.Equal([10, 11, 12, 13], copy.Items.Select(item => item.Value));
        // Entries that are added to one dict later are not in the other.
        Set(copy, (3.5, 14));
        Set(source, ("3.5", 4), (3.5, 5));
        Assert.Equal(["w", "2.5", "1", "1", "3.5"], Names(copy));
        Assert.Equal(["w", "2.5", "1", "1", "3.5", "3.5"], Names(source));
        Assert.Equal([0, 1, 2, 3, 4, 5], source.Items.Select(item => item.Value));
    }

    [Fact]
    public void A_copy_of_keys_without_repeated_names_has_none()
    {
        foreach (PickleDict source in new[] { Of(("w", 0), (1L, 1)), Of((1L, 0), (2L, 1)), Of(("w", 0), (2.5, 1)) })
        {
            var copy = PickleDict.Copy(PickleDictKind.Dict, source, Budget);

            Assert.False(copy.HasRepeatedNames);
            Assert.Equal((source.HasTextKeysOnly, source.HasNoTextKeys), (copy.HasTextKeysOnly, copy.HasNoTextKeys));
            Assert.Equal(Names(source), Names(copy));
            Set(copy, (1L, 7), ("1", 8));
            Assert.True(copy.HasRepeatedNames);
            Assert.False(source.HasRepeatedNames);
        }
    }

    [Fact]
    public void A_text_that_is_the_name_of_another_key_is_a_separate_entry()
    {
        PickleDict numberFirst = Of((1L, 0), ("1", 1), ("1", 2), (1.0, 3));
        Assert.Equal(["1", "1"], Names(numberFirst));
        Assert.Equal([3, 2], numberFirst.Items.Select(item => item.Value));

        PickleDict textFirst = Of(("1", 0), (1L, 1), ("1", 2), (true, 3));
        Assert.Equal(["1", "1"], Names(textFirst));
        Assert.Equal([2, 3], textFirst.Items.Select(item => item.Value));
    }

    // The second entry of a name is stored with a NUL after the name, so that this name is in use.
    [Fact]
    public void A_key_that_would_replace_the_entry_of_another_key_is_refused()
    {
        PickleDict marked = Of(("1\0", 0), (1L, 1));
        Assert.False(marked.TrySet("1", 2, Budget));
        Assert.Equal([0, 1], marked.Items.Select(item => item.Value));

        PickleDict latin = Of(("b'a'", 0), (new LatinText("a"), 1));
        Set(latin, ("b'a'\0", 2), ("b'a'", 3));
        Assert.Equal(["b'a'", "b'a'", "b'a'\0"], Names(latin));
        Assert.Equal([3, 1, 2], latin.Items.Select(item => item.Value));

        PickleDict other = Of((1L, 0), ("1", 1));
        Assert.False(other.TrySet(new TorchConstant("torch.one") { Text = "1" }, 2, Budget));
        Assert.Equal([0, 1], other.Items.Select(item => item.Value));
    }

    [Fact]
    public void Keys_of_bytes_are_equal_only_to_keys_of_the_same_bytes()
    {
        PickleDict dict = Of((new LatinText("1"), 0), (Encoding.Latin1.GetBytes("1"), 1), (1L, 2), (new LatinText("2"), 3), ("text1:1", 4));

        Assert.Equal(["b'1'", "1", "b'2'", "text1:1"], Names(dict));
        Assert.Equal([1, 2, 3, 4], dict.Items.Select(item => item.Value));
    }

    private static PickleDict Of(params (object Key, int Value)[] entries)
    {
        var dict = new PickleDict(PickleDictKind.Dict);
        Set(dict, entries);
        return dict;
    }

    private static void Set(PickleDict dict, params (object Key, int Value)[] entries)
    {
        foreach ((object key, int value) in entries)
        {
            Assert.True(dict.TrySet(key, value, Budget));
        }
    }

    private static IEnumerable<string> Names(PickleDict dict) => dict.Items.Select(item => dict.NameOf(item.Key));
}
