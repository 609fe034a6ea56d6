using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace MemLoad;

/// <summary>
/// Detects files with the name of a checkpoint and other content. Servers and programs save a page of text in place of the file, or the
/// file in a compressed form.
/// </summary>
internal static class NotWeights
{
    private const int LongestLine = 100;

    private static readonly SearchValues<byte> NameBytes = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."u8);

    // A file of this format from before PyTorch 1.6, with a pickle of protocol 0, begins with the magic number as text.
    private static ReadOnlySpan<byte> TextPickle => "L119547037146038801333356L\n"u8;

    private static readonly (byte[] Magic, string Kind, string Command)[] Compressed =
    [
        ([0x1f, 0x8b], "gzip", "gunzip"),
        ([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], "xz", "unxz"),
        ([0x28, 0xb5, 0x2f, 0xfd], "zstd", "unzstd"),
        ([.. "BZh"u8], "bzip2", "bunzip2"),
        ([(byte)'7', (byte)'z', 0xbc, 0xaf, 0x27, 0x1c], "7-Zip", "7z x"),
        ([.. "Rar!"u8], "RAR", "unrar x"),
    ];

    /// <summary>Refuses a file that is text or compressed, by its first bytes.</summary>
    /// <exception cref="MemLoadException">ML1004 or ML1016.</exception>
    public static void Refuse(ReadOnlySpan<byte> head, string path, long length)
    {
        foreach ((byte[] magic, string kind, string command) in Compressed)
        {
            if (head.StartsWith(magic))
            {
                throw Rules.FormatUnknown.Broken(
                    $"the file is compressed with {kind}",
                    path,
                    0,
                    remedy: $"Decompress the file with {command}, and open the result. If it is a download, the server compressed it "
                        + $"for the transfer: download it again.");
            }
        }
        ReadOnlySpan<byte> mark = Encoding.UTF8.Preamble;
        if (head.StartsWith(mark) && head[mark.Length..].StartsWith("PK"u8))
        {
            throw Rules.FormatUnknown.Broken(
                "an archive begins after the byte-order mark of a text file: a program treated the file as text",
                path,
                0,
                remedy: "Download the file again, as binary data.");
        }
        if (head.StartsWith(TextPickle) || IsTextPickle(head))
        {
            throw Rules.FormatUnknown.Broken(
                "the file is of PyTorch's older format, with a pickle of protocol 0 or 1",
                path,
                0,
                remedy: "If you trust the file, in Python: torch.save(torch.load(path, weights_only=False), new_path). This can run "
                    + "programs that the file contains.");
        }
        // Other text is a file of another kind. The same applies to a container of PyTorch that was never used.
        if (FolderNames.IsTensors(path) && !head.StartsWith("PYTORCH"u8) && IsText(head, length))
        {
            ReadOnlySpan<byte> text = head.StartsWith(mark) ? head[mark.Length..] : head;
            throw Rules.FileIsText.Broken(
                $"the file is text of {length} bytes, {Kind(text)}: {Printable.Quote(FirstLine(text))}", path, 0, remedy: RemedyFor(text));
        }
    }

    // A pickle of protocol 0 begins with a mark and a dict or list, or with a global name on two lines and a mark.
    private static bool IsTextPickle(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("(dp"u8) || head.StartsWith("(lp"u8))
        {
            return true;
        }
        int first = head.IndexOf((byte)'\n');
        int second = first < 0 ? -1 : first + 1 + head[(first + 1)..].IndexOf((byte)'\n');
        return head is [(byte)'c', ..]
            && second > first
            && IsName(head[1..first])
            && IsName(head[(first + 1)..second])
            && head[(second + 1)..] is [(byte)'(' or (byte)'p' or (byte)')', ..];

        static bool IsName(ReadOnlySpan<byte> name) => name.Length > 0 && !name.ContainsAnyExcept(NameBytes);
    }

    // Weights have zeros and control characters that text does not have.
    private static bool IsText(ReadOnlySpan<byte> head, long length)
    {
        int high = 0;
        foreach (byte b in head)
        {
            high += b >= 0x80 ? 1 : 0;
            if (b < ' ' && b is not ((byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or 0x1b))
            {
                return false;
            }
        }
        if (Utf8.IsValid(head))
        {
            return true;
        }
        // The last character can be incomplete, and old pages are not UTF-8.
        return length > head.Length ? high <= Math.Max(3, head.Length / 4) : high <= head.Length / 4;
    }

    private static string Kind(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t\r\n"u8);
        return text switch
        {
            _ when StartsWithWord(text, "<!doctype html"u8) || StartsWithWord(text, "<html"u8) => "a web page",
            _ when text.StartsWith("<"u8) => "XML",
            _ when text.StartsWith("{"u8) || text.StartsWith("["u8) => "JSON",
            _ when text.StartsWith("../../blobs/"u8) => "the target of a link",
            _ => "no weights",
        };
    }

    private static Remedy RemedyFor(ReadOnlySpan<byte> text) => text.StartsWith("../../blobs/"u8)
        ? "The links of the cache were copied as text. Download the model again, or copy the whole folder models--ORG--NAME with its links."
        : Rules.FileIsText.Remedy;

    private static bool StartsWithWord(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        text.Length >= word.Length && Ascii.EqualsIgnoreCase(text[..word.Length], word);

    private static string FirstLine(ReadOnlySpan<byte> text)
    {
        text = text.TrimStart(" \t\r\n"u8);
        int end = text.IndexOfAny("\r\n"u8);
        string line = Encoding.UTF8.GetString(end < 0 ? text : text[..end]).TrimEnd();
        return line.Length > LongestLine ? line[..(LongestLine + 1)] : line;
    }
}
