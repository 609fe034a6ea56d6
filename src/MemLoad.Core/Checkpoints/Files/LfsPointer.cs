using System.Text;

namespace MemLoad;

/// <summary>Detects the text files that git-lfs writes in place of files that it has not fetched.</summary>
internal static class LfsPointer
{
    private const int LongestPointer = 1024; // the limit of git-lfs
    private const int HeadBytes = 512;

    /// <summary>Refuses a file that is a pointer.</summary>
    /// <exception cref="MemLoadException">ML1011, and the rules of reading.</exception>
    public static void Refuse(WholeFile file, string path) =>
        Refuse(file.ReadBytes(0, Math.Min(file.Length, HeadBytes)), path, file.Length);

    /// <summary>Refuses a file that is a pointer, by its first bytes.</summary>
    /// <exception cref="MemLoadException">ML1011.</exception>
    public static void Refuse(ReadOnlySpan<byte> head, string path, long length)
    {
        if (length > LongestPointer || !head.StartsWith("version https://git-lfs"u8))
        {
            return;
        }
        string? size = Encoding.ASCII.GetString(head).Split('\n')
            .FirstOrDefault(line => line.StartsWith("size ", StringComparison.Ordinal));
        string real = size is not null && long.TryParse(size["size ".Length..], out long bytes) && bytes >= 0 ? $" of {bytes} bytes" : "";
        throw Rules.LfsPointer.Broken($"the file is a git-lfs pointer of {length} bytes to the actual file{real}", path, 0);
    }
}
