using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace MemLoad;

/// <summary>
/// Reads the header of a GGUF file from its first byte. Bytes that are read grant memory. Bytes that are skipped are not read and grant
/// none.
/// </summary>
internal sealed class GgufInput(WholeFile file, FileBudget budget) : IDisposable
{
    /// <summary>The longest text that ggml reads (GGUF_MAX_STRING_LENGTH), in bytes.</summary>
    public const long LongestText = 1L << 30;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly FileWindow _window = new(file);

    /// <summary>The position of the next byte.</summary>
    public long Position { get; private set; }

    /// <summary>The number of bytes from this position to the end of the file.</summary>
    public long Left => file.Length - Position;

    /// <summary>Returns the next bytes. They are valid until the next call.</summary>
    /// <exception cref="MemLoadException">ML1005 if the file ends before.</exception>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        ReadOnlySpan<byte> bytes = _window.Read(Position, count);
        Position += count;
        budget.Grant(count);
        return bytes;
    }

    /// <summary>Reads a number of four bytes.</summary>
    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    /// <summary>Reads a number of eight bytes.</summary>
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    /// <summary>Skips bytes without reading them.</summary>
    /// <exception cref="MemLoadException">ML1005 if the file ends before.</exception>
    public void Skip(long count, string what)
    {
        if (count > Left)
        {
            throw Rules.FileTruncated.Broken($"{count - Left} of {count} bytes of {what} are missing", file.Path, file.Length);
        }
        Position += count;
    }

    /// <summary>Reads the length of a text, which precedes the text.</summary>
    /// <exception cref="MemLoadException">ML4106 if it is longer than any text may be.</exception>
    public long TextLength(string what)
    {
        long at = Position;
        ulong length = UInt64();
        return length <= LongestText ? (long)length
            : throw Rules.GgufText.Broken($"{what} has {length} bytes", file.Path, at);
    }

    /// <summary>Reads a text that is a name. All of its bytes must be valid.</summary>
    /// <param name="what">The meaning of the text, for messages.</param>
    /// <param name="longest">The maximum number of bytes.</param>
    /// <param name="rule">The rule that is broken if the text is longer, is empty, or is not UTF-8.</param>
    public string Name(string what, int longest, Rule rule)
    {
        long at = Position;
        ulong length = UInt64();
        if (length == 0 || length > (ulong)longest)
        {
            throw rule.Broken($"{what} has {length} bytes, not 1 to {longest}", file.Path, at);
        }
        ReadOnlySpan<byte> bytes = Bytes((int)length);
        budget.Spend(FileBudget.Text(bytes.Length));
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw rule.Broken($"{what} is not UTF-8", file.Path, at + 8, e);
        }
    }

    /// <summary>Reads a text for display. Bytes that are not UTF-8 become U+FFFD.</summary>
    public string Prose(int length)
    {
        ReadOnlySpan<byte> bytes = Bytes(length);
        budget.Spend(FileBudget.Text(length));
        // Encoding.UTF8 allocates for each byte that it replaces.
        char[] characters = ArrayPool<char>.Shared.Rent(length);
        try
        {
            _ = Utf8.ToUtf16(bytes, characters, out _, out int written);
            return new string(characters, 0, written);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters);
        }
    }

    public void Dispose() => _window.Dispose();
}
