using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// The small text files in which Linux reports its state. A file that is missing or unreadable gives null and not an error.
/// </summary>
internal static class TextFile
{
    public static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Opens a file that is read or written more than once.</summary>
    public static SafeFileHandle? TryOpen(string path, FileAccess access = FileAccess.Read)
    {
        try
        {
            return File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads an open file from its start, so that the kernel writes the text again. Returns the length of the text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int? TryRead(SafeFileHandle? file, byte[] text)
    {
        try
        {
            return file is null ? null : RandomAccess.Read(file, text, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Returns the number in a text that is one number; null for any other text, such as <c>max</c>.</summary>
    public static long? Number(string? text) =>
        long.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>Returns the number that follows a name at the start of a line.</summary>
    public static long? Field(string? text, string name)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] is ' ' or '\t')
            {
                ReadOnlySpan<char> value = line[name.Length..].Trim();
                int end = value.IndexOfAny(' ', '\t');
                return Number((end < 0 ? value : value[..end]).ToString());
            }
        }
        return null;
    }
}
