namespace MemLoad;

/// <summary>
/// The files of a checkpoint that are open, from the reading of the headers to the last byte of a load. A file is opened when it is first
/// needed. Only a limited number is open at a time, because a checkpoint may consist of thousands of files.
/// </summary>
internal sealed class CheckpointFileSet : IDisposable
{
    private const int MostOpen = 128;
    private const int FewestOpen = 4;
    private const int HandlesOfFile = 2; // one for the page cache, one around it

    private readonly Lock _lock = new();
    private int? _affordable;

    // By path. The file that was asked for longest ago comes first.
    private readonly OrderedDictionary<string, CheckpointFileReader> _open = new(StringComparer.Ordinal);

    /// <summary>How many files may be asked for before the first of them closes: fewer where the process may open few.</summary>
    public int BatchLimit => Math.Clamp(Affordable, FewestOpen, MostOpen);

    // How many this process may have open without want.
    private int Affordable => _affordable ??= (OpenFiles.Available ?? int.MaxValue) / HandlesOfFile;

    /// <summary>How many files are open now.</summary>
    public int Count => _open.Count;

    /// <summary>
    /// The file, open. It stays open until <see cref="BatchLimit"/> others were asked for: call again for every batch of reads.
    /// </summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006.</exception>
    public CheckpointFileReader this[CheckpointFile file]
    {
        get
        {
            CheckpointFileReader reader = Take(file);
            _open.Add(file.Path, reader); // first, so that it is closed with the others whatever follows
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
    /// Takes over a file that was opened to read its headers, or closes it if enough are open. Threads may call it at once.
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

    /// <summary>The file, open; the caller closes it.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006.</exception>
    public CheckpointFileReader Take(CheckpointFile file)
    {
        if (_open.Remove(file.Path, out CheckpointFileReader? reader))
        {
            if (reader.Is(file))
            {
                return reader;
            }
            reader.Dispose(); // the headers were read again since
        }
        return CheckpointFileReader.Reopen(file);
    }

    /// <summary>What was read is good only if no file was written to while it was read; called when all is read.</summary>
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
