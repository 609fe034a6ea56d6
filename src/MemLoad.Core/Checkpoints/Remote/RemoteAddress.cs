namespace MemLoad;

/// <summary>
/// Addresses of files on servers. The user, the password and the query of an address can be secrets, so messages and rows never have them.
/// </summary>
internal static class RemoteAddress
{
    private static readonly string[] Schemes = ["https://", "http://"];

    /// <summary>Whether a path is an address of a server.</summary>
    public static bool Is(string path) => Schemes.Any(scheme => path.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    /// <summary>Returns the address that a path is.</summary>
    /// <exception cref="MemLoadException">ML5202.</exception>
    public static Uri Of(string path) =>
        path.AsSpan().ContainsAny('\\', ' ', '\t') || !Uri.TryCreate(path, UriKind.Absolute, out Uri? address) || address.Host.Length == 0
            || !Is(address.AbsoluteUri)
            ? throw Rules.RemoteAddress.Broken("the address is malformed", path)
        : address.AbsolutePath == "/" && !Shown(path).EndsWith('/')
            ? throw Rules.RemoteAddress.Broken("the address does not name a file", path)
        : address;

    /// <summary>Returns an address without user, password, query and fragment; another path as it is.</summary>
    public static string Shown(string path)
    {
        if (!Is(path))
        {
            return path;
        }
        int host = path.IndexOf("//", StringComparison.Ordinal) + 2;
        ReadOnlySpan<char> rest = path.AsSpan(host);
        // In a malformed address, the password may have a slash or a question mark.
        int server = Uri.TryCreate(path, UriKind.Absolute, out _) ? rest.IndexOfAny('/', '?', '#') : -1;
        rest = rest[((server < 0 ? rest : rest[..server]).LastIndexOf('@') + 1)..];
        int end = rest.IndexOfAny('?', '#');
        return string.Concat(path.AsSpan(0, host), end < 0 ? rest : rest[..end]);
    }

    /// <summary>Removes users, passwords and queries from a text of another program, such as the name of a proxy.</summary>
    public static string Cleaned(string text) => string.Join(' ', text.Split(' ').Select(word =>
    {
        int start = Schemes.Select(scheme => word.IndexOf(scheme, StringComparison.OrdinalIgnoreCase)).Where(at => at >= 0)
            .DefaultIfEmpty(-1).Min();
        return start < 0 ? word : word[..start] + Shown(word[start..]);
    }));

    /// <summary>Refuses an address where bytes of tensors are needed.</summary>
    /// <exception cref="MemLoadException">ML5201.</exception>
    public static void RefuseBytes(string? path)
    {
        if (path is not null && Is(path))
        {
            throw Rules.RemoteBytes.Broken("the checkpoint is on a server, and its bytes are needed here", path);
        }
    }

    /// <summary>Whether two addresses are of the same server: scheme, host and port.</summary>
    public static bool AreOfOneServer(Uri one, Uri other) =>
        Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;
}
