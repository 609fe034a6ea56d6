using System.Text;

namespace MemLoad;

/// <summary>The names of records.</summary>
internal static class ZipRecordName
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Returns the text of a name.</summary>
    /// <exception cref="MemLoadException">ML2007: it is not a plain name.</exception>
    public static string Of(ReadOnlySpan<byte> raw, string path, long offset)
    {
        string name;
        try
        {
            name = StrictUtf8.GetString(raw);
        }
        catch (DecoderFallbackException e)
        {
            throw Rules.ZipNameInvalid.Broken("a record name is not UTF-8", path, offset, e);
        }
        return IsPlain(name)
            ? name
            : throw Rules.ZipNameInvalid.Broken($"{Printable.Quote(name)} is not a plain record name", path, offset);
    }

    // PyTorch names the folder after the file ('..m' gives './data.pkl'), so it can have any file name. Nothing is extracted. A name is
    // only a key. A slash at the end means a folder, as zip programs write it.
    private static bool IsPlain(ReadOnlySpan<char> name)
    {
        int slash = name.IndexOf('/');
        if (slash > 0)
        {
            if (name[..slash].ContainsAny('\\', '\0'))
            {
                return false;
            }
            name = name[(slash + 1)..];
            if (name.IsEmpty)
            {
                return true;
            }
        }
        if (ControlCharacters.AreInFileName(name))
        {
            return false;
        }
        foreach (char c in name)
        {
            if (c is '\\' or ':' || (c >= 0x80 && char.GetUnicodeCategory(c) == UnicodeCategory.Format))
            {
                return false;
            }
        }
        name = name is [.., '/'] ? name[..^1] : name;
        foreach (Range part in name.Split('/'))
        {
            if (name[part] is "" or "." or "..")
            {
                return false;
            }
        }
        return true;
    }
}
