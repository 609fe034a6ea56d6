using System.Buffers.Text;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// The figures on Linux, from procfs (proc(5)): <c>RssAnon</c>, <c>RssShmem</c>, <c>RssFile</c> and <c>VmHWM</c> of
/// <c>/proc/self/status</c>. Writing 5 to <c>/proc/self/clear_refs</c> resets the mark.
/// <para>
/// The kernel counts resident pages per processor and adds them to the total in batches of max(32, 2 × processors) pages. Since Linux 6.16
/// the sum in <c>Rss…</c> is exact. The mark is not exact. Its error can be one batch per processor on which the process has page faults.
/// </para>
/// </summary>
internal sealed class LinuxProcessMemory : IProcessMemory
{
    private readonly SafeFileHandle? _status = TextFile.TryOpen("/proc/self/status");
    private readonly SafeFileHandle? _clearReferences = TextFile.TryOpen("/proc/self/clear_refs", FileAccess.Write);

    // The required lines follow the list of groups, which can be long.
    private readonly byte[] _text = new byte[16 * 1024];

    public bool MarkCoversFiles => true;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public MemoryReading Read() => TextFile.TryRead(_status, _text) is int length ? Parse(_text.AsSpan(0, length)) : default;

    public bool ResetMark()
    {
        if (_clearReferences is null)
        {
            return false;
        }
        try
        {
            RandomAccess.Write(_clearReferences, "5"u8, 0);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public ProcessCounters ReadCounters() => new(
        MajorFaultsOf(TextFile.TryRead("/proc/self/stat")),
        TextFile.Field(TextFile.TryRead("/proc/self/io"), "read_bytes:"));

    public void Dispose()
    {
        _status?.Dispose();
        _clearReferences?.Dispose();
    }

    /// <summary>Reads the figures from the text of <c>/proc/self/status</c>. A figure whose line is missing is unknown.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static MemoryReading Parse(ReadOnlySpan<byte> text)
    {
        long? mark = null, anonymous = null, file = null, shared = null;
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            if (line.StartsWith("VmHWM:"u8))
            {
                mark = Kilobytes(line[6..]);
            }
            else if (line.StartsWith("RssAnon:"u8))
            {
                anonymous = Kilobytes(line[8..]);
            }
            else if (line.StartsWith("RssFile:"u8))
            {
                file = Kilobytes(line[8..]);
            }
            else if (line.StartsWith("RssShmem:"u8))
            {
                shared = Kilobytes(line[9..]);
                break; // the last of the four lines
            }
        }
        // Without the figures per kind, the mark cannot be divided into kinds either.
        return anonymous + shared is long host && file is not null ? new MemoryReading(host, file, mark) : default;
    }

    /// <summary>
    /// Reads field 12 of <c>/proc/self/stat</c>. Field 2 is the program's name in brackets. It can have any characters, brackets included.
    /// </summary>
    internal static long? MajorFaultsOf(string? stat)
    {
        int name = stat?.LastIndexOf(')') ?? -1;
        string[] fields = name < 0 ? [] : stat![(name + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 9 ? TextFile.Number(fields[9]) : null;
    }

    private static long? Kilobytes(ReadOnlySpan<byte> field)
    {
        field = field.TrimStart(" \t"u8);
        return Utf8Parser.TryParse(field, out long kilobytes, out _) && kilobytes is >= 0 and < long.MaxValue / 1024 ? kilobytes * 1024
            : null;
    }
}
