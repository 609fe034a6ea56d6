namespace MemLoad;

/// <summary>
/// A record of an archive: the location of its stored bytes, and the checksum of its decompressed bytes (0 if none was computed).
/// </summary>
/// <param name="Stem">The name, without the number at its end if it has a number.</param>
/// <param name="Number">The number at the end of the name; -1 if the stem is the whole name.</param>
/// <param name="Offset">The position of its stored bytes.</param>
/// <param name="HeaderBytes">The bytes of its local header, which is before them.</param>
/// <param name="Length">The number of its stored bytes.</param>
/// <param name="Method">How they are compressed.</param>
/// <param name="Inflated">The number of its decompressed bytes.</param>
/// <param name="Crc">Their checksum.</param>
/// <param name="IsDeferred">Whether a data descriptor follows the stored bytes.</param>
internal readonly record struct ZipRecord(
    string Stem, int Number, long Offset, int HeaderBytes, long Length, ushort Method, long Inflated, uint Crc, bool IsDeferred)
{
    /// <summary>Its name.</summary>
    public string Name => Number < 0 ? Stem : string.Create(CultureInfo.InvariantCulture, $"{Stem}{Number}");

    /// <summary>The position of its local header.</summary>
    public long Start => Offset - HeaderBytes;

    /// <summary>The end of its stored bytes.</summary>
    public long End => Offset + Length;

    /// <summary>
    /// Whether the bytes are deflated. .NET libraries use deflate for PyTorch archives. PyTorch itself compresses nothing.
    /// </summary>
    public bool Deflated => Method == 8;

    /// <summary>Whether the bytes are not stored as they are.</summary>
    public bool Compressed => Method != 0 || Inflated != Length;
}
