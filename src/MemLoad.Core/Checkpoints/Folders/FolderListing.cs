using System.IO.Enumeration;

namespace MemLoad;

/// <summary>
/// The files of a folder that can be parts of a checkpoint, and its subfolders, in ordinal order. Hidden ones and other files are left out.
/// </summary>
/// <param name="Folder">Absolute path of the folder.</param>
/// <param name="Indexes">The indexes of shards.</param>
/// <param name="TensorFiles">The files with the extension of a file of tensors.</param>
/// <param name="DistributedFiles">The data files of a distributed checkpoint of PyTorch (<c>*.distcp</c>).</param>
/// <param name="HasDistributedMetadata">Whether the folder has <c>.metadata</c>, which a distributed checkpoint has when it is
/// complete.</param>
/// <param name="Subfolders">The subfolders.</param>
internal sealed record FolderListing(
    string Folder,
    ImmutableArray<string> Indexes,
    ImmutableArray<string> TensorFiles,
    ImmutableArray<string> DistributedFiles,
    bool HasDistributedMetadata,
    ImmutableArray<string> Subfolders)
{
    /// <summary>The file that a distributed checkpoint has when it is complete.</summary>
    public const string DistributedMetadata = ".metadata";

    // Attributes are not used. .NET reports dot files as hidden only on Unix, so hidden files are recognized by their names.
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>Whether the folder is a distributed checkpoint of PyTorch, complete or not.</summary>
    public bool IsDistributed => !DistributedFiles.IsEmpty || HasDistributedMetadata;

    /// <summary>The files that can be models: files of tensors, without the other states that trainers save in the same folder.</summary>
    public IEnumerable<string> ModelFiles => TensorFiles.Where(name => FolderNames.CompanionKind(name) is null);

    /// <summary>Lists a folder.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1015.</exception>
    public static FolderListing Of(string folder)
    {
        ILookup<bool, string> names = NamesIn(folder);
        string[] shown = [.. names[false].Where(name => name[0] != '.')];
        return new FolderListing(
            folder,
            [.. shown.Where(FolderNames.IsIndex)],
            [.. shown.Where(FolderNames.IsTensors)],
            [.. shown.Where(FolderNames.IsDistributed)],
            names[false].Contains(DistributedMetadata, StringComparer.Ordinal),
            [.. names[true].Where(name => name[0] != '.')]);
    }

    /// <summary>Returns the names of all subfolders (true) and of all other entries (false) of a folder, in ordinal order.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1015.</exception>
    public static ILookup<bool, string> NamesIn(string folder)
    {
        try
        {
            return new FileSystemEnumerable<(string Name, bool IsFolder)>(
                folder, (ref entry) => (entry.FileName.ToString(), entry.IsDirectory), Everything)
                .OrderBy(entry => entry.Name, StringComparer.Ordinal).ToLookup(entry => entry.IsFolder, entry => entry.Name);
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
            throw Rules.PathUnreadable.Broken($"the folder cannot be listed: {SystemReason.Of(e)}", folder, innerException: e);
        }
    }
}
