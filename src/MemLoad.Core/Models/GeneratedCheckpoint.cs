namespace MemLoad;

/// <summary>Checkpoints that MemLoad makes itself, to have something to measure: a GPT of a known size, freshly initialised, kept in the cache folder.</summary>
public static class GeneratedCheckpoint
{
    /// <summary>The seed of the notebook.</summary>
    public const long Seed = 123;

    /// <summary>The path of the checkpoint of a size, float32; whether it is there is another matter.</summary>
    public static string PathOf(string size)
    {
        ArgumentNullException.ThrowIfNull(size);
        return Path.Combine(CacheFolder.Path, NameOf(size));
    }

    /// <summary>The size whose checkpoint has this path, whether or not it is there; null if none has.</summary>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="MemLoadException">ML9111: the name is one of theirs, and this user has no cache folder.</exception>
    public static string? SizeOf(string path)
    {
        string name = Path.GetFileName(path);
        return GptConfig.Sizes.FirstOrDefault(size => name == NameOf(size) && path == PathOf(size));
    }

    /// <summary>The checkpoint of a size as <see cref="Ensure"/> would write it, whether or not it is there: names, types, shapes and lengths, but
    /// no bytes to load.</summary>
    /// <exception cref="MemLoadException">ML6008: no such size.</exception>
    public static Checkpoint Describe(string size)
    {
        GptInitializer source = Source(size);
        string path = PathOf(size);
        var builder = new CheckpointBuilder(path, CheckpointFormat.TorchZip);
        int file = builder.AddFile(path, CheckpointWriter.CountBytes(source, path, CheckpointFormat.TorchZip));
        long offset = 0;
        foreach (TensorEntry tensor in source.Tensors)
        {
            builder.AddTensor(tensor with { Storage = builder.AddStorage(file, offset, tensor.Bytes) });
            offset += tensor.Bytes;
        }
        return builder.Build();
    }

    /// <summary>Bytes that <see cref="Ensure"/> will write for a size: 0 if the checkpoint is there and sound.</summary>
    /// <exception cref="MemLoadException">ML6008: no such size.</exception>
    public static long BytesToWrite(string size) =>
        IsSound(size) ? 0 : CheckpointWriter.CountBytes(Source(size), PathOf(size), CheckpointFormat.TorchZip);

    /// <summary>Makes the checkpoint of a size unless it is there and sound.</summary>
    /// <param name="size">A known size, such as <c>gpt2-small</c>.</param>
    /// <param name="bytesWritten">Hears the bytes written so far.</param>
    /// <param name="cancellationToken">Stops the writing; nothing half-written stays.</param>
    /// <returns>Its path.</returns>
    /// <exception cref="MemLoadException">ML6008: no such size; ML9111: the cache folder cannot be used; ML9104: the disk is full.</exception>
    public static string Ensure(string size, IProgress<long>? bytesWritten = null, CancellationToken cancellationToken = default)
    {
        string path = PathOf(size);
        if (!IsSound(size))
        {
            try
            {
                Directory.CreateDirectory(CacheFolder.Path);
                CheckpointWriter.Write(Source(size), path, CheckpointFormat.TorchZip, overwrite: true, bytesWritten, cancellationToken);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or MemLoadException { Rule.Id: "ML9103" })
            {
                throw Rules.CacheUnusable.Broken($"the cache folder cannot be written: {(e as MemLoadException)?.Finding ?? e.Message.TrimEnd('.')}", CacheFolder.Path, innerException: e);
            }
        }
        return path;
    }

    private static string NameOf(string size) => $"{size.ToLowerInvariant()}-float32-seed{Seed}.pth";

    private static GptInitializer Source(string size) => new(GptConfig.FromSize(size), Seed);

    // A file of ours that has the right names, shapes and length: its bytes were written atomically, so they are all there.
    private static bool IsSound(string size)
    {
        GptConfig config = GptConfig.FromSize(size);
        string path = PathOf(size);
        if (!File.Exists(path))
        {
            return false;
        }
        try
        {
            StateDictMatch.Require(config.ToSpec(), Checkpoint.Open(path));
            return true;
        }
        catch (MemLoadException)
        {
            return false;
        }
    }
}
