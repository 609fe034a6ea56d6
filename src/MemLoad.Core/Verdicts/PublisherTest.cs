namespace MemLoad;

/// <summary>
/// Compares the files of a checkpoint with the hashes of its publisher, where a cache of the hub or of Ollama states them.
/// </summary>
internal sealed class PublisherTest
{
    private readonly (string Path, PublisherHash Hash)[] _files;

    public PublisherTest(Checkpoint checkpoint)
    {
        var budget = new OpenBudget(OpenLimits.FromEnvironment());
        _files =
        [
            .. checkpoint
                .Files.Select(file => file.Path)
                .Append(checkpoint.Path)
                .Distinct(StringComparer.Ordinal)
                .Where(File.Exists)
                .Select(path => (path, PublisherHash.Of(path, budget)))
                .Where(pair => pair.Item2 is not null)
                .Select(pair => (pair.path, pair.Item2!)),
        ];
    }

    public int FileCount => _files.Length;

    /// <summary>Compares the lengths that are known. Reads no content.</summary>
    /// <exception cref="MemLoadException">ML5020.</exception>
    public void RequireLengths()
    {
        foreach ((string path, PublisherHash hash) in _files.Where(file => file.Hash.Bytes is not null))
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(HubCache.Follow(path));
            hash.RequireLength(file);
        }
    }

    /// <summary>
    /// Reads the files and compares their content with the hashes. <paramref name="progress"/> receives the bytes that will be read, and
    /// returns a callback for the bytes read.
    /// </summary>
    /// <exception cref="MemLoadException">ML5020, and the rules of reading.</exception>
    public void Verify(Func<long, IProgress<long>>? progress, CancellationToken ct)
    {
        IProgress<long>? reported = progress?.Invoke(_files.Sum(file => new FileInfo(file.Path).Length));
        long done = 0;
        foreach ((string path, PublisherHash hash) in _files)
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(HubCache.Follow(path));
            hash.Verify(file, bytes => reported?.Report(done += bytes), ct);
        }
    }
}
