using System.Buffers.Binary;

namespace MemLoad;

/// <summary>Determines whether a path that breaks a rule is a checkpoint, by its name or by the first bytes of checkpoints.</summary>
internal static class CheckpointSigns
{
    private const int HeadBytes = 512;
    private const int ZipHeaderBytes = 30;
    private const int ZipNameLengthAt = 26;

    // The content of a file that cannot be read is not known. It can be a checkpoint.
    private static readonly Rule[] Unread = [Rules.ReadFailed, Rules.FileChanged, Rules.FilesExhausted];

    // JSON other than an index is a configuration, a vocabulary or a manifest.
    private static readonly Rule[] NoIndex =
    [
        Rules.IndexTooLarge, Rules.IndexEncoding, Rules.IndexSyntax, Rules.IndexNameRepeated, Rules.IndexForm, Rules.FileEmpty,
        Rules.LfsPointer,
    ];

    /// <summary>Whether a file or folder, with its absolute path, is a checkpoint.</summary>
    public static bool AreIn(string path, MemLoadException broken)
    {
        // A folder or an index with a broken part is a checkpoint, because it has parts.
        if (broken.Path != Printable.Text(path) || Unread.Contains(broken.Rule))
        {
            return true;
        }
        if (broken.Rule == Rules.FolderEmpty || broken.Rule == Rules.PathNotRegular)
        {
            return false;
        }
        if (Directory.Exists(path) || FormatNames.IsOfCheckpoint(path))
        {
            return true;
        }
        return Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase) ? !NoIndex.Contains(broken.Rule)
            : BeginsLikeOne(path);
    }

    private static bool BeginsLikeOne(string path)
    {
        byte[] head;
        try
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(path);
            head = file.ReadBytes(0, Math.Min(file.Length, HeadBytes));
        }
        catch (MemLoadException)
        {
            return true;
        }
        ReadOnlySpan<byte> bytes = head;
        return bytes.StartsWith(GgufReader.Magic)
            || (bytes.Length > 8 && bytes[4..9].SequenceEqual("\0\0\0\0{"u8))
            || IsTorchArchive(bytes)
            || IsTorchPickle(bytes);
    }

    // torch.save writes the pickle first.
    private static bool IsTorchArchive(ReadOnlySpan<byte> head)
    {
        if (head.Length < ZipHeaderBytes || !head.StartsWith("PK\x03\x04"u8))
        {
            return false;
        }
        int length = BinaryPrimitives.ReadUInt16LittleEndian(head[ZipNameLengthAt..]);
        return head.Length >= ZipHeaderBytes + length && head.Slice(ZipHeaderBytes, length).EndsWith("/data.pkl"u8);
    }

    // The magic number 0x1950a86a20f9469cfc6c, the first value in a file from before PyTorch 1.6.
    private static ReadOnlySpan<byte> TorchMagic => [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    private static bool IsTorchPickle(ReadOnlySpan<byte> head) =>
        head is [0x80, >= 2 and <= 5, ..] && head[..Math.Min(head.Length, 64)].IndexOf(TorchMagic) >= 0;
}
