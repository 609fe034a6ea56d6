namespace MemLoad;

/// <summary>
/// Checkpoints that MemLoad generates for measurements: a GPT model of a known size with new weights, kept in the cache folder.
/// </summary>
internal static class GeneratedCheckpoint
{
    /// <summary>The seed of the notebook.</summary>
    public const long Seed = 123;

    /// <summary>Returns the path of the float32 checkpoint of a size. The file may not exist.</summary>
    public static string PathOf(string size) => Path.Combine(CacheFolder.Path, NameOf(size));

    /// <summary>
    /// Returns the size of the checkpoint with this path. The file may not exist. Null if the path is not that of a generated checkpoint.
    /// </summary>
    /// <param name="path">An absolute path.</param>
    /// <exception cref="MemLoadException">ML9111: the name is that of a generated checkpoint, and the user has no cache folder.</exception>
    public static string? SizeOf(string path)
    {
        string name = Path.GetFileName(path);
        return GptConfig.Sizes.FirstOrDefault(size => name == NameOf(size) && path == PathOf(size));
    }

    /// <summary>
    /// Returns the checkpoint of a size as <see cref="Ensure"/> writes it: names, types, shapes and lengths, without bytes to load. The
    /// file may not exist.
    /// </summary>
    /// <exception cref="MemLoadException">ML6008: the size is unknown.</exception>
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

    /// <summary>Returns the bytes that <see cref="Ensure"/> will write for a size. 0 if the checkpoint exists and is sound.</summary>
    /// <exception cref="MemLoadException">ML6008: the size is unknown.</exception>
    public static long BytesToWrite(string size) =>
        IsSound(size) ? 0 : CheckpointWriter.CountBytes(Source(size), PathOf(size), CheckpointFormat.TorchZip);

    /// <summary>Creates the checkpoint of a size, unless it exists and is sound. A write that is stopped leaves no partial file.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="MemLoadException">ML6008: the size is unknown; ML9111: the cache folder cannot be used; ML9104: the disk is
    /// full.</exception>
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
                throw Rules.CacheUnusable.Broken(
                    $"the cache folder cannot be written: {(e as MemLoadException)?.Finding ?? SystemReason.Of(e)}",
                    CacheFolder.Path,
                    innerException: e);
            }
        }
        return path;
    }

    private static string NameOf(string size) => $"{size.ToLowerInvariant()}-float32-seed{Seed}.pth";

    private static GptInitializer Source(string size) => new(GptConfig.FromSize(size), Seed);

    // The file has the right names, shapes and length. The write was atomic, so its bytes are complete.
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
