using System.Collections.Immutable;

namespace MemLoad;

/// <summary>
/// The files of a folder that can be parts of a checkpoint, in ordinal order of their names. Hidden files, other files and subfolders are
/// ignored.
/// </summary>
/// <param name="Indexes">The <c>*.index.json</c>.</param>
/// <param name="TensorFiles">The files with the extension of a tensor file.</param>
internal sealed record FolderListing(ImmutableArray<string> Indexes, ImmutableArray<string> TensorFiles)
{
    private static readonly string[] TensorExtensions = [".pt", ".pth", ".bin", ".safetensors", ".gguf"];

    /// <summary>Lists a folder.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1015.</exception>
    public static FolderListing Of(string folder)
    {
        string[] names;
        try
        {
            // Dot files are tested by name, because .NET reports them as hidden only on Unix.
            names = [.. Directory.EnumerateFiles(folder).Select(Path.GetFileName).OfType<string>()
                .Where(name => name[0] != '.').Order(StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException e)
        {
            throw Rules.PathNotFound.Broken("there is no such folder", folder, innerException: e);
        }
        catch (IOException e) when (OpenFiles.IsExhausted(e))
        {
            throw OpenFiles.Exhausted(folder, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Rules.PathUnreadable.Broken($"the folder cannot be listed: {e.Message.TrimEnd('.')}", folder, innerException: e);
        }
        return new FolderListing(
            [.. names.Where(name => name.EndsWith(".index.json", StringComparison.OrdinalIgnoreCase))],
            [.. names.Where(name => TensorExtensions.Contains(Path.GetExtension(name), StringComparer.OrdinalIgnoreCase))]);
    }
}
