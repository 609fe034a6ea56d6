using System.Buffers.Binary;
using System.Text;

namespace MemLoad.ElfVersions;

/// <summary>The version needs of a 64-bit little-endian ELF library (System V gABI, and the GNU extension <c>.gnu.version_r</c>).</summary>
internal static class ElfFile
{
    private const uint VersionNeedSection = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    private const int SectionTableOffset = 40;
    private const int SectionEntrySize = 58;
    private const int SectionCount = 60;

    /// <summary>
    /// Sets VER_FLG_WEAK on every need for a version. The dynamic loader then accepts a library without that version, and a symbol of it
    /// that is used stays unresolved: only sound where no relocation refers to one.
    /// </summary>
    /// <param name="file">The library, edited in place.</param>
    /// <param name="version">The version's name, for example GLIBCXX_3.4.32.</param>
    /// <exception cref="InvalidDataException">The file is not such a library, or it does not need the version.</exception>
    public static void MakeVersionWeak(Span<byte> file, string version)
    {
        if (file.Length < 64 || !file[..6].SequenceEqual("\u007fELF\u0002\u0001"u8))
        {
            throw new InvalidDataException("This is not a 64-bit little-endian ELF file.");
        }
        int sections = (int)ReadInt64(file, SectionTableOffset);
        int entrySize = ReadInt16(file, SectionEntrySize);
        for (int i = 0; i < ReadInt16(file, SectionCount); i++)
        {
            int section = sections + (i * entrySize);
            if (ReadInt32(file, section + 4) == VersionNeedSection)
            {
                int names = (int)ReadInt64(file, sections + ((int)ReadInt32(file, section + 40) * entrySize) + 24);
                if (MakeWeak(file, (int)ReadInt64(file, section + 24), names, version))
                {
                    return;
                }
            }
        }
        throw new InvalidDataException($"The file does not need {version}.");
    }

    // Elfxx_Verneed: version, count, file, aux, next. Elfxx_Vernaux: hash, flags, other, name, next.
    private static bool MakeWeak(Span<byte> file, int need, int names, string version)
    {
        bool found = false;
        for (int nextNeed = -1; nextNeed != 0; need += nextNeed)
        {
            int entry = need + (int)ReadInt32(file, need + 8);
            for (int i = 0; i < ReadInt16(file, need + 2); i++)
            {
                if (ReadName(file, names + (int)ReadInt32(file, entry + 8)) == version)
                {
                    ushort flags = (ushort)(ReadInt16(file, entry + 4) | WeakFlag);
                    BinaryPrimitives.WriteUInt16LittleEndian(file[(entry + 4)..], flags);
                    found = true;
                }
                entry += (int)ReadInt32(file, entry + 12);
            }
            nextNeed = (int)ReadInt32(file, need + 12);
        }
        return found;
    }

    private static string ReadName(ReadOnlySpan<byte> file, int offset)
    {
        ReadOnlySpan<byte> name = file[offset..];
        return Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]);
    }

    private static ushort ReadInt16(ReadOnlySpan<byte> file, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(file[offset..]);

    private static uint ReadInt32(ReadOnlySpan<byte> file, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(file[offset..]);

    private static long ReadInt64(ReadOnlySpan<byte> file, int offset) => BinaryPrimitives.ReadInt64LittleEndian(file[offset..]);
}
