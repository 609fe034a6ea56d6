using System.Buffers.Binary;

namespace MemLoad.Torch;

/// <summary>
/// Reads the header of a native library, to report a library for another processor. Loaders report only that they cannot find it.
/// </summary>
internal static class NativeFile
{
    /// <summary>Returns the processor of a library. Null if its header has no known processor.</summary>
    /// <param name="path">An ELF, PE or 64-bit Mach-O file.</param>
    public static Architecture? ReadArchitecture(string path)
    {
        Span<byte> header = stackalloc byte[4096];
        using FileStream file = File.OpenRead(path);
        header = header[..file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false)];
        return header switch
        {
            // ELF: e_machine.
            [0x7f, (byte)'E', (byte)'L', (byte)'F', ..] when header.Length >= 20 => BinaryPrimitives.ReadUInt16LittleEndian(
                header[18..]) switch
            {
                3 => Architecture.X86,
                40 => Architecture.Arm,
                62 => Architecture.X64,
                183 => Architecture.Arm64,
                _ => null,
            },
            // PE: the offset of the header, and Machine after its signature.
            [(byte)'M', (byte)'Z', ..] when header.Length >= 64 => ReadPe(header),
            // Mach-O: cputype.
            [0xcf, 0xfa, 0xed, 0xfe, ..] when header.Length >= 8 => BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) switch
            {
                0x01000007 => Architecture.X64,
                0x0100000c => Architecture.Arm64,
                _ => null,
            },
            _ => null,
        };
    }

    private static Architecture? ReadPe(ReadOnlySpan<byte> header)
    {
        int offset = BinaryPrimitives.ReadInt32LittleEndian(header[60..]);
        return offset < 0 || offset > header.Length - 6 ? null : BinaryPrimitives.ReadUInt16LittleEndian(header[(offset + 4)..]) switch
        {
            0x014c => Architecture.X86,
            0x8664 => Architecture.X64,
            0xaa64 => Architecture.Arm64,
            _ => null,
        };
    }
}
