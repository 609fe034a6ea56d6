using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>Files that are not a checkpoint, or that have the name of another kind.</summary>
internal static class AnyCorpus
{
    private const string Pointer =
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize "
            + "548105171\n";

    public static IEnumerable<HostileFile> Files =>
    [
        One("empty .pth", "ML1003", "x.pth", []),
        One("empty .safetensors", "ML1003", "x.safetensors", []),
        One("empty index", "ML1003", "x.index.json", []),
        One("text", "ML1004", "x.txt", "weights, honestly"u8),
        One("a web page in the place of weights", "ML1016", "x.pth", "<!DOCTYPE html><html><body>404</body></html>"u8),
        One("a PNG", "ML1004", "x.bin", [0x89, .. "PNG\r\n\u001a\n"u8, .. new byte[64]]),
        One("an HDF5 file", "ML1004", "x.pth", [0x89, .. "HDF\r\n\u001a\n"u8, .. new byte[64]]),
        One("a GGUF file", "ML4115", "x.bin", [.. "GGUF"u8, 3, 0, 0, 0, .. new byte[64]]),
        One("a gzip file", "ML1004", "x.pth", [0x1f, 0x8b, 8, 0, .. new byte[64]]),
        One("a tar archive", "ML3009", "x.pth", [.. new byte[257], .. "ustar\0"u8, .. new byte[300]]),
        One("PyTorch's oldest format, a tar archive, with a program", "ML3009", "x.pth", Tar(magic: true)),
        One("the same tar archive without its magic", "ML1004", "x.pth", Tar(magic: false)),
        One("a spanned archive", "ML1004", "x.pth", [.. "PK\x07\x08"u8, .. ZipForge.Torch()]),
        One("a byte-order mark before an archive", "ML1004", "x.pth", [0xef, 0xbb, 0xbf, .. ZipForge.Torch()]),
        One("PYTORCH1, an older container", "ML1004", "x.pth", "PYTORCH1........................"u8),
        One("zeros", "ML1004", "x.pth", new byte[4096]),
        One("a pickle of protocol 0", "ML1004", "x.pth", "cos\nsystem\n(S'id'\ntR."u8),
        One("an archive named .safetensors", "ML1008", "x.safetensors", ZipForge.Torch()),
        One("a pickle named .safetensors", "ML1008", "x.safetensors", PickleForge.Whole(PickleForge.StateDict())),
        One("safetensors named .pth", "ML1008", "x.pth", SafetensorsCorpus.Sound),
        One("safetensors named .ckpt", "ML1008", "x.ckpt", SafetensorsCorpus.Sound),
        One("a git-lfs pointer named .pth", "ML1011", "x.pth", Encoding.ASCII.GetBytes(Pointer)),
        One("a git-lfs pointer named .safetensors", "ML1011", "x.safetensors", Encoding.ASCII.GetBytes(Pointer)),
        One("a git-lfs pointer in the place of an index", "ML1011", "x.index.json", Encoding.ASCII.GetBytes(Pointer)),
    ];

    // The format of PyTorch before 2016: a tar archive of pickles. This file calls os.system before other content is read.
    private static byte[] Tar(bool magic)
    {
        byte[] pickle = PickleForge.Whole(PickleForge.Call("os", "system", PickleForge.Text($"touch {PickleCorpus.Trace}")));
        byte[] header = new byte[512];
        "pickle"u8.CopyTo(header);
        "0000644\0"u8.CopyTo(header.AsSpan(100));
        Encoding.ASCII.GetBytes(Convert.ToString(pickle.Length, 8).PadLeft(11, '0')).CopyTo(header, 124);
        "        "u8.CopyTo(header.AsSpan(148));
        header[156] = (byte)'0';
        if (magic)
        {
            "ustar\000"u8.CopyTo(header.AsSpan(257));
        }
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0')).CopyTo(header, 148);
        header[154] = 0;
        return [.. header, .. pickle, .. new byte[512 - (pickle.Length % 512) + 1024]];
    }

    private static HostileFile One(string name, string rule, string file, ReadOnlySpan<byte> content)
    {
        byte[] bytes = content.ToArray();
        return HostileFile.Of(HostileFile.Any, name, rule, file, () => bytes);
    }
}
