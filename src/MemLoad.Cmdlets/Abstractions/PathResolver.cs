using System.Collections.ObjectModel;

namespace MemLoad.Abstractions;

/// <summary>Resolves paths with the location, the drives and the wildcards of the session.</summary>
internal static class PathResolver
{
    private const string PatternRemedy =
        "Check the pattern and the current folder: *, ? and [ ] stand for other characters, unless a file has exactly that name.";

    /// <summary>Returns the files and folders that a path with wildcards names.</summary>
    /// <exception cref="MemLoadException">ML1001: nothing has this name; ML1009: the path is not on a file system.</exception>
    public static IReadOnlyList<string> Resolve(PathIntrinsics paths, string path)
    {
        FullPath.RequireName(path);
        if (HubCache.IsAddress(path))
        {
            return [path];
        }
        // The path of a row that is piped is a name and not a pattern. So is the name of an existing file, such as model[1].pth.
        if (System.IO.Path.IsPathFullyQualified(path) && System.IO.Path.Exists(path))
        {
            return [path];
        }
        if (Existing(paths, path) is string named)
        {
            return [named];
        }
        if (!WildcardPattern.ContainsWildcardCharacters(path))
        {
            // The form that completion inserts: model`[1`].pth.
            return [Literal(paths, WildcardPattern.Unescape(path))];
        }
        return Guarded(path, () =>
        {
            Collection<string> found = paths.GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider);
            RequireFileSystem(provider, path);
            return found.Count > 0 ? found : throw Rules.PathNotFound.Broken("nothing matches the pattern", path, remedy: PatternRemedy);
        });
    }

    /// <summary>Returns the file system's name of a literal path. The file need not exist.</summary>
    /// <exception cref="MemLoadException">ML1001: the drive does not exist; ML1009: the path is not on a file system.</exception>
    public static string Literal(PathIntrinsics paths, string path) => HubCache.IsAddress(path) ? path : Guarded(path, () =>
    {
        FullPath.RequireName(path);
        string resolved = paths.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _);
        RequireFileSystem(provider, path);
        return resolved;
    });

    /// <summary>Returns the same as <see cref="Literal"/>; null for null.</summary>
    /// <exception cref="MemLoadException">ML1001 or ML1009.</exception>
    public static string? Optional(PathIntrinsics paths, string? path) => path is null ? null : Literal(paths, path);

    private static string? Existing(PathIntrinsics paths, string path)
    {
        try
        {
            return Literal(paths, path) is string name && System.IO.Path.Exists(name) ? name : null;
        }
        catch (MemLoadException)
        {
            return null; // It may be valid as a pattern.
        }
    }

    private static void RequireFileSystem(ProviderInfo provider, string path)
    {
        if (!provider.Name.Equals("FileSystem", StringComparison.OrdinalIgnoreCase))
        {
            throw Rules.PathNotFile.Broken($"the path belongs to the provider {provider.Name}", path);
        }
    }

    private static T Guarded<T>(string path, Func<T> resolve)
    {
        try
        {
            return resolve();
        }
        catch (Exception e) when (
            e is ItemNotFoundException or System.Management.Automation.DriveNotFoundException or ProviderNotFoundException)
        {
            throw Rules.PathNotFound.Broken("there is no such path", path, innerException: e);
        }
        catch (WildcardPatternException e)
        {
            throw Rules.PathNotFound.Broken("no file has that name, and it is not a complete wildcard pattern", path, innerException: e,
                remedy: PatternRemedy);
        }
        catch (Exception e) when (e is PSArgumentException or PSInvalidOperationException or NotSupportedException)
        {
            throw Rules.PathNotFile.Broken($"the path cannot be resolved: {e.Message.TrimEnd('.')}", path, innerException: e);
        }
    }
}
