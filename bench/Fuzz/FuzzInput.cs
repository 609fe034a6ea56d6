namespace MemLoad.Fuzz;

/// <summary>The kinds of checkpoint that are mutated.</summary>
internal enum FuzzFormat
{
    Zip,
    Legacy,
    Safetensors,
    Index,
    Folder,
    Gguf,
    Distributed,
}

/// <summary>One file of an input.</summary>
internal sealed record FuzzFile(string Name, byte[] Content);

/// <summary>A checkpoint to examine: its files, and the file that is opened; null to open the folder of the files.</summary>
internal sealed record FuzzInput(FuzzFormat Format, IReadOnlyList<FuzzFile> Files, string? Open)
{
    /// <summary>The object that is equal for all mutations of one sound checkpoint.</summary>
    public object Origin { get; } = new();

    public long Bytes => Files.Sum(file => (long)file.Content.Length);

    /// <summary>Writes the files and returns the path to open.</summary>
    public string WriteTo(string folder)
    {
        foreach (FuzzFile file in Files)
        {
            File.WriteAllBytes(Path.Combine(folder, file.Name), file.Content);
        }
        return PathIn(folder);
    }

    /// <summary>Returns the path to open if the files are in a folder.</summary>
    public string PathIn(string folder) => Open is null ? folder : Path.Combine(folder, Open);
}
