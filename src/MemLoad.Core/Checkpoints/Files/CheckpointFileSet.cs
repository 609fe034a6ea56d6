namespace MemLoad;

/// <summary>
/// The files of a checkpoint that are open, from the reading of the headers to the last byte of a load. A file is opened when it is first
/// needed. Only a limited number is open at a time, because a checkpoint may consist of thousands of files.
/// </summary>
internal sealed class CheckpointFileSet : IDisposable
{
    private const int MostOpen = 128;
    private const int FewestOpen = 4;
    private const int HandlesOfFile = 2; // one handle reads through the page cache, and one reads directly

    private readonly Lock _lock = new();
    private int? _affordable;

    // The readers by path. The file with the oldest request is first.
    private readonly OrderedDictionary<string, CheckpointFileReader> _open = new(StringComparer.Ordinal);

    /// <summary>
    /// The number of files that can be requested before the first of them is closed. It is lower if the process may open only few files.
    /// </summary>
    public int BatchLimit => Math.Clamp(Affordable, FewestOpen, MostOpen);

    // The number of files that this set can keep open within the limit of the process.
    private int Affordable => _affordable ??= (OpenFiles.Available ?? int.MaxValue) / HandlesOfFile;

    /// <summary>The number of files that are open now.</summary>
    public int Count => _open.Count;

    /// <summary>
    /// Returns the open file. It stays open until <see cref="BatchLimit"/> other files have been requested. Call it again for every batch
    /// of reads.
    /// </summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006.</exception>
    public CheckpointFileReader this[CheckpointFile file]
    {
        get
        {
            CheckpointFileReader reader = Take(file);
            _open.Add(file.Path, reader); // added first, so that it is closed with the others after an exception
            if (_open.Count > BatchLimit)
            {
                using CheckpointFileReader closing = _open.GetAt(0).Value;
                _open.RemoveAt(0);
                closing.RequireUnchanged();
            }
            return reader;
        }
    }

    /// <summary>Gives a file whose headers were read to the set of a load. Without a set, closes it.</summary>
    public static void KeepOrClose(CheckpointFileSet? files, WholeFile file)
    {
        if (files is null || file is not CheckpointFileReader reader)
        {
            file.Dispose();
        }
        else
        {
            files.Keep(reader);
        }
    }

    /// <summary>
    /// Takes over a file that was opened to read its headers, or closes it if enough files are open. Several threads can call it.
    /// </summary>
    public void Keep(CheckpointFileReader reader)
    {
        lock (_lock)
        {
            if (_open.Count < Math.Min(Affordable, MostOpen) && _open.TryAdd(reader.Path, reader))
            {
                return;
            }
        }
        reader.Dispose();
    }

    /// <summary>Returns the open file, which the caller closes.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006.</exception>
    public CheckpointFileReader Take(CheckpointFile file)
    {
        if (_open.Remove(file.Path, out CheckpointFileReader? reader))
        {
            if (reader.Is(file))
            {
                return reader;
            }
            reader.Dispose(); // the headers have been read again since it was opened
        }
        return CheckpointFileReader.Reopen(file);
    }

    /// <summary>
    /// Checks that no file was written to during the reads. Call it after the last read, because the data is valid only then.
    /// </summary>
    /// <exception cref="MemLoadException">ML1006.</exception>
    public void RequireUnchanged()
    {
        foreach (CheckpointFileReader reader in _open.Values)
        {
            reader.RequireUnchanged();
        }
    }

    /// <summary>Closes all files. The set can be used again.</summary>
    public void Dispose()
    {
        foreach (CheckpointFileReader reader in _open.Values)
        {
            reader.Dispose();
        }
        _open.Clear();
    }
}
