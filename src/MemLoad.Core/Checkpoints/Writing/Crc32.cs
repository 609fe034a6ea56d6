using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace MemLoad;

/// <summary>
/// The CRC-32 of zip archives (IEEE 802.3, reflected, polynomial 0xEDB88320). Folds 64 bytes at a time by carry-less multiplication where
/// the processor has it (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009), else uses ARM's
/// instruction, else sixteen tables.
/// </summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private const int TableCount = 16;
    private const int FoldedAtLeast = 64;

    private static readonly uint[] Tables = MakeTables();
    private static readonly Vector128<ulong> Over512Bits = FoldConstants(512);
    private static readonly Vector128<ulong> Over128Bits = FoldConstants(128);

    /// <summary>The CRC of what came before followed by these bytes.</summary>
    /// <param name="crc">The CRC so far; 0 at the start.</param>
    /// <param name="bytes">The bytes to add.</param>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        if (Pclmulqdq.IsSupported && bytes.Length >= FoldedAtLeast)
        {
            return AppendByFolding(crc, bytes);
        }
        return ArmCrc32.Arm64.IsSupported ? AppendByInstruction(crc, bytes) : AppendByTables(crc, bytes);
    }

    /// <summary>The same by tables alone: works on every processor.</summary>
    internal static uint AppendByTables(uint crc, ReadOnlySpan<byte> bytes) => ~Run(~crc, bytes);

    /// <summary>The same by carry-less multiplication.</summary>
    /// <exception cref="PlatformNotSupportedException">The processor has no PCLMULQDQ.</exception>
    internal static uint AppendByFolding(uint crc, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FoldedAtLeast)
        {
            return AppendByTables(crc, bytes);
        }
        ref byte at = ref MemoryMarshal.GetReference(bytes);
        int left = bytes.Length - 64;
        // The register of a running CRC is the same as its bits added to the first four bytes that follow.
        Vector128<ulong> a = Load(ref at, 0) ^ Vector128.CreateScalar((ulong)~crc);
        Vector128<ulong> b = Load(ref at, 16);
        Vector128<ulong> c = Load(ref at, 32);
        Vector128<ulong> d = Load(ref at, 48);
        at = ref Unsafe.Add(ref at, 64);
        for (; left >= 64; left -= 64, at = ref Unsafe.Add(ref at, 64))
        {
            a = Fold(a, Over512Bits) ^ Load(ref at, 0);
            b = Fold(b, Over512Bits) ^ Load(ref at, 16);
            c = Fold(c, Over512Bits) ^ Load(ref at, 32);
            d = Fold(d, Over512Bits) ^ Load(ref at, 48);
        }
        b ^= Fold(a, Over128Bits);
        c ^= Fold(b, Over128Bits);
        d ^= Fold(c, Over128Bits);
        for (; left >= 16; left -= 16, at = ref Unsafe.Add(ref at, 16))
        {
            d = Fold(d, Over128Bits) ^ Load(ref at, 0);
        }
        // What is left is a message of 16 bytes with the same remainder, then the tail.
        Span<byte> rest = stackalloc byte[16];
        MemoryMarshal.Write(rest, in d);
        return ~Run(Run(0, rest), bytes[^left..]);
    }

    private static uint AppendByInstruction(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint register = ~crc;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            register = ArmCrc32.Arm64.ComputeCrc32(register, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }
        return ~Run(register, bytes);
    }

    private static uint Run(uint register, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<uint> tables = Tables;
        for (; bytes.Length >= TableCount; bytes = bytes[TableCount..])
        {
            register = Lookup(tables, 12, BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ register)
                ^ Lookup(tables, 8, BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]))
                ^ Lookup(tables, 4, BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]))
                ^ Lookup(tables, 0, BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));
        }
        foreach (byte value in bytes)
        {
            register = (register >> 8) ^ tables[(int)((register ^ value) & 0xFF)];
        }
        return register;
    }

    // The remainders of four bytes that are followed by as many tables' worth of others.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Lookup(ReadOnlySpan<uint> tables, int followedBy, uint word) =>
        tables[((followedBy + 3) * 256) + (int)(word & 0xFF)]
        ^ tables[((followedBy + 2) * 256) + (int)((word >> 8) & 0xFF)]
        ^ tables[((followedBy + 1) * 256) + (int)((word >> 16) & 0xFF)]
        ^ tables[(followedBy * 256) + (int)(word >> 24)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte at, nuint offset) => Vector128.LoadUnsafe(ref at, offset).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Fold(Vector128<ulong> value, Vector128<ulong> constants) =>
        Pclmulqdq.CarrylessMultiply(value, constants, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, constants, 0x11);

    // Moving 16 bytes past a distance multiplies their two halves by these powers of x modulo the polynomial; the 32 up and down are what
    // the halves' own place and the 33rd bit of a reflected product come to.
    private static Vector128<ulong> FoldConstants(int distance) =>
        Vector128.Create((ulong)PowerOfX(distance + 32) << 1, (ulong)PowerOfX(distance - 32) << 1);

    private static uint PowerOfX(int exponent)
    {
        uint value = 0x80000000; // x⁰, bits reflected
        for (int i = 0; i < exponent; i++)
        {
            value = TimesX(value);
        }
        return value;
    }

    private static uint TimesX(uint value) => (value >> 1) ^ ((value & 1) == 0 ? 0 : Polynomial);

    private static uint[] MakeTables()
    {
        uint[] tables = new uint[TableCount * 256];
        for (uint value = 0; value < 256; value++)
        {
            uint register = value;
            for (int bit = 0; bit < 8; bit++)
            {
                register = TimesX(register);
            }
            tables[value] = register;
        }
        for (int i = 256; i < tables.Length; i++)
        {
            uint before = tables[i - 256];
            tables[i] = (before >> 8) ^ tables[before & 0xFF];
        }
        return tables;
    }
}
