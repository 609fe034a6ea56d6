namespace MemLoad.Tests.Writing;

/// <summary>The CRC-32 of zip archives and PNG files, computed bit by bit from its definition.</summary>
internal static class BitwiseCrc32
{
    /// <summary>Returns the CRC of bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint register = uint.MaxValue;
        foreach (byte value in bytes)
        {
            register ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                register = (register & 1) != 0 ? (register >> 1) ^ 0xEDB88320 : register >> 1;
            }
        }
        return ~register;
    }
}
