using System.Collections.Immutable;

namespace MemLoad;

/// <summary>
/// The open files of a running load: opened when first needed, and only so many at a time, for a checkpoint may be thousands of them.
/// </summary>
internal sealed class CheckpointFileSet(ImmutableArray<CheckpointFile> files) : IDisposable
{
    private const int MostOpen = 128;
    private const int FewestOpen = 4;
    private const int HandlesOfFile = 2; // one for the page cache, one around it

    // The one that was asked for longest ago comes first.
    private readonly OrderedDictionary<int, CheckpointFileReader> _open = [];

    /// <summary>The file, open. It stays so until <see cref="BatchLimit"/> others were asked for since: call again for every batch of reads.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006.</exception>
    public CheckpointFileReader this[int file]
    {
        get
        {
            if (!_open.Remove(file, out CheckpointFileReader? reader))
            {
                if (_open.Count == BatchLimit)
                {
                    using CheckpointFileReader closing = _open.GetAt(0).Value;
                    _open.RemoveAt(0);
                    closing.RequireUnchanged();
                }
                reader = CheckpointFileReader.Reopen(files[file]);
            }
            _open.Add(file, reader);
            return reader;
        }
    }

    /// <summary>How many files may be asked for before the first of them closes: fewer where the process may open few.</summary>
    public int BatchLimit { get; } = Math.Clamp((OpenFiles.Available ?? int.MaxValue) / HandlesOfFile, FewestOpen, MostOpen);

    /// <summary>What was read is good only if no file was written to while it was read; called when all is read.</summary>
    /// <exception cref="MemLoadException">ML1006.</exception>
    public void RequireUnchanged()
    {
        foreach (CheckpointFileReader reader in _open.Values)
        {
            reader.RequireUnchanged();
        }
    }

    public void Dispose()
    {
        foreach (CheckpointFileReader reader in _open.Values)
        {
            reader.Dispose();
        }
        _open.Clear();
    }
}
