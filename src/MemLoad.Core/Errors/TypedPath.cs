using System.Buffers;

namespace MemLoad;

/// <summary>Paths in remedies, in the form in which a user can type them.</summary>
internal static class TypedPath
{
    private const int MostShown = 3;

    private static readonly SearchValues<char> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/\\._-+=:@%,~^");

    /// <summary>A path, in single quotes if a shell needs them. A path with a quote in it is not changed further.</summary>
    public static string Of(string path) => path.AsSpan().ContainsAnyExcept(Plain) ? $"'{Printable.Text(path)}'" : path;

    /// <summary>The remedy that offers the paths of several files.</summary>
    public static Remedy OneOf(string folder, IReadOnlyCollection<string> names)
    {
        Remedy remedy = $"Give the path of the one to open: {(Setting.Path, Of(Path.Combine(folder, names.First())))}";
        foreach (string name in names.Skip(1).Take(MostShown - 1))
        {
            remedy.AppendFormatted((Remedy)$", or {(Setting.Path, Of(Path.Combine(folder, name)))}");
        }
        remedy.AppendLiteral(names.Count > MostShown ? $", or one of {names.Count - MostShown} more." : ".");
        return remedy;
    }
}
