using System.IO.Compression;
using System.Text;
using static MemLoad.Tests.Checkpoints.CheckpointKit;

namespace MemLoad.Tests.Checkpoints;

public sealed class NotWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Entry not found", "15 bytes, no weights: 'Entry not found'")]
    [InlineData("\n\n  <!DOCTYPE HTML>\n<title>Sign in</title>", "a web page: '<!DOCTYPE HTML>'")]
    [InlineData("<Error><Code>AccessDenied</Code></Error>", "XML: '<Error>")]
    [InlineData("{\"error\":\"Repository not found\"}", "JSON: '{\"error\"")]
    [InlineData("\u001b[31mred\u001b[0m\nmore", "no weights: '\\u001b[31mred\\u001b[0m'")]
    [InlineData("\uFEFFhello", "no weights: 'hello'")]
    [InlineData("Zugriff verweigert: für Sie gesperrt", "'Zugriff verweigert: für Sie gesperrt'")]
    public void Text_is_shown_by_its_first_line(string text, string says)
    {
        foreach (string name in new[] { "x.pth", "x.bin", "x.safetensors", "x.gguf", "x.ckpt" })
        {
            MemLoadException refusal = Refusal(_folder.Write(name, text));

            Assert.Equal("ML1016", refusal.Rule.Id);
            Assert.Contains(says, refusal.Finding, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_long_line_is_cut_and_a_page_of_another_encoding_is_text()
    {
        Assert.InRange(Refusal(_folder.Write("x.pth", new string('a', 100_000))).Finding.Length, 100, 200);
        Assert.Equal(
            "ML1016",
            Refusal(
                _folder.Write("y.pth", Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat("Zugriff für Sie gesperrt ", 100))))
            ).Rule.Id);
    }

    [Fact]
    public void A_compressed_file_is_named()
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest))
        {
            gzip.Write(File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.pth")));
        }

        MemLoadException refusal = Refusal(_folder.Write("x.pth", bytes.ToArray()));

        Assert.Equal("ML1004", refusal.Rule.Id);
        Assert.Contains("gzip", refusal.Finding, StringComparison.Ordinal);
        Assert.Contains("gunzip", refusal.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("notes.txt", "weights")]
    [InlineData("x.pth", "cos\nsystem\n(S'id'\ntR.")]
    [InlineData("x.pth", "(dp0\nS'a'\nI1\ns.")]
    [InlineData("x.pth", "L119547037146038801333356L\n.I1001\n.")]
    public void Text_of_another_kind_has_no_known_format(string name, string text) =>
        Assert.Equal("ML1004", Refusal(_folder.Write(name, text)).Rule.Id);

    [Fact]
    public void A_byte_order_mark_before_an_archive_is_named() =>
        Assert.Contains(
            "byte-order mark",
            Refusal(_folder.Write("x.pth", [0xef, 0xbb, 0xbf, .. File.ReadAllBytes(Fixtures.PathOf("tiny/fp32.pth"))])).Finding,
            StringComparison.Ordinal);

    [Fact]
    public void The_error_names_a_safetensors_file_that_contains_a_download_twice()
    {
        byte[] once = SafetensorsOfBytes(("x", 100));

        MemLoadException refusal = Refusal(_folder.Write("x.safetensors", [.. once, .. once]));

        Assert.Equal("ML4017", refusal.Rule.Id);
        Assert.Contains("may contain two downloads", refusal.Finding, StringComparison.Ordinal);
    }
}
