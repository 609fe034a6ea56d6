using System.Runtime.Intrinsics.X86;
using FsCheck;
using FsCheck.Fluent;

namespace MemLoad.Tests.Writing;

public sealed class Crc32Tests
{
    [Fact]
    public void The_check_value_of_the_standard_comes_out()
    {
        Assert.Equal(0xCBF43926u, Crc32.Append(0, "123456789"u8));
        Assert.Equal(0xCBF43926u, Crc32.AppendByTables(0, "123456789"u8));
    }

    [Fact]
    public void Every_length_and_alignment_agrees_with_the_definition_bit_by_bit()
    {
        byte[] bytes = new byte[700];
        new Random(1).NextBytes(bytes);
        for (int start = 0; start < 17; start += 4)
        {
            uint register = uint.MaxValue;
            for (int length = 0; start + length < bytes.Length; length++)
            {
                ReadOnlySpan<byte> part = bytes.AsSpan(start, length);
                Assert.Equal(~register, Crc32.Append(0, part));
                Assert.Equal(~register, Crc32.AppendByTables(0, part));
                register ^= bytes[start + length];
                for (int bit = 0; bit < 8; bit++)
                {
                    register = (register & 1) != 0 ? (register >> 1) ^ 0xEDB88320 : register >> 1;
                }
            }
        }
    }

    [Fact]
    public void Splitting_anywhere_changes_nothing() => Prop.ForAll<byte[], int>((seed, cut) =>
    {
        byte[] bytes = [.. Enumerable.Repeat(seed, 40).SelectMany(part => part)];
        int at = bytes.Length == 0 ? 0 : (cut & int.MaxValue) % bytes.Length;
        return Crc32.Append(Crc32.Append(0, bytes.AsSpan(0, at)), bytes.AsSpan(at)) == Crc32.AppendByTables(0, bytes);
    }).QuickCheckThrowOnFailure();

    [SkippableFact]
    public void Folding_agrees_with_the_tables()
    {
        Skip.IfNot(Pclmulqdq.IsSupported, "this processor has no carry-less multiplication");
        byte[] bytes = new byte[100_003];
        new Random(2).NextBytes(bytes);
        uint folded = 0;
        uint tabled = 0;
        for (int start = 0, length = 1; start + length <= bytes.Length; start += length, length = (length * 5 / 4) + 1)
        {
            folded = Crc32.AppendByFolding(folded, bytes.AsSpan(start, length));
            tabled = Crc32.AppendByTables(tabled, bytes.AsSpan(start, length));
            Assert.Equal(tabled, folded);
        }
    }
}
