using System.Text;

namespace MemLoad;

/// <summary>
/// Writes checkpoints. The memory does not depend on the size of the weights. Writes are atomic: the target is complete and flushed to
/// disk, or it stays as it was.
/// </summary>
public static class CheckpointWriter
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes all tensors of a source.</summary>
    /// <param name="source">The weights. Each byte is requested once, in the order of the file.</param>
    /// <param name="path">The file, or for <see cref="CheckpointFormat.PerTensor"/> the folder, to write; its parent must exist.</param>
    /// <param name="format">
    /// <see cref="CheckpointFormat.TorchZip"/> keeps shared storages and views as they are; <see cref="CheckpointFormat.Safetensors"/> and
    /// <see cref="CheckpointFormat.PerTensor"/> (a folder with a bare tensor in each NAME.pt) hold every tensor contiguous.
    /// </param>
    /// <param name="overwrite">Replace an existing target of the same kind. A folder is replaced only if it holds nothing but .pt
    /// files.</param>
    /// <param name="bytesWritten">Receives the number of written bytes, of <see cref="CountBytes"/>, about every 4 MiB.</param>
    /// <param name="cancellationToken">Stops the write within a few MiB. No file remains.</param>
    /// <exception cref="MemLoadException">
    /// ML9101 for other formats, and for a folder of no tensors; ML1008 for a name of another one; ML9102 to ML9105 if the target exists,
    /// cannot be written, has no space or fails; ML9106 to ML9109 for a tensor that the format cannot hold; ML6001 to ML6003 and ML9110 for
    /// an unsound source; and the errors of the source.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static void Write(
        IWeightSource source,
        string path,
        CheckpointFormat format,
        bool overwrite = false,
        IProgress<long>? bytesWritten = null,
        CancellationToken cancellationToken = default)
    {
        Check(source, path, format);
        cancellationToken.ThrowIfCancellationRequested();
        using var session = new WriteSession(bytesWritten, cancellationToken);
        if (format == CheckpointFormat.PerTensor)
        {
            string target = WriteTarget.ForFolder(path, overwrite, WriteTarget.IsPerTensor);
            WriteFolder(Fitting(target, () => new PerTensorWriter(source, target)), target, overwrite, WriteTarget.IsPerTensor, session);
        }
        else
        {
            string target = WriteTarget.ForFile(path, overwrite);
            CheckpointFileWriter writer = Layout(source, target, format);
            using var file = new AtomicFile(target, overwrite, writer.Length);
            using (var output = new FileAppender(file.Handle, target, writer.Length, session))
            {
                writer.Write(output);
                output.Complete();
            }
            session.RequireComplete();
            file.Commit();
        }
    }

    /// <summary>
    /// Writes all tensors of a source to a folder of safetensors files and their index, as transformers does. The folder appears complete,
    /// or stays as it was.
    /// </summary>
    /// <param name="source">The weights. Each byte is requested once, in the order of the files.</param>
    /// <param name="folder">The folder to write; its parent must exist.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in a file, at least 1. A larger tensor has a separate file.</param>
    /// <param name="overwrite">Replace an existing folder that holds nothing but such files.</param>
    /// <param name="bytesWritten">Receives the number of written bytes, of <see cref="CountShardBytes"/>, about every 4 MiB.</param>
    /// <param name="cancellationToken">Stops the write within a few MiB. No file remains.</param>
    /// <exception cref="MemLoadException">As <see cref="Write"/>; ML9112 for a size below 1.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static void WriteShards(
        IWeightSource source,
        string folder,
        long maxShardBytes,
        bool overwrite = false,
        IProgress<long>? bytesWritten = null,
        CancellationToken cancellationToken = default)
    {
        Check(source, folder, CheckpointFormat.Safetensors);
        cancellationToken.ThrowIfCancellationRequested();
        string target = WriteTarget.ForFolder(folder, overwrite, ShardedWriter.IsOurs);
        using var session = new WriteSession(bytesWritten, cancellationToken);
        WriteFolder(
            Fitting(target, () => new ShardedWriter(source, target, maxShardBytes)), target, overwrite, ShardedWriter.IsOurs, session);
    }

    /// <summary>
    /// Returns the number of bytes that <see cref="WriteShards"/> would write. Uses neither the disk nor the bytes of the weights.
    /// </summary>
    /// <param name="source">The weights.</param>
    /// <param name="folder">The folder that would be written.</param>
    /// <param name="maxShardBytes">The most bytes of tensors in a file, at least 1.</param>
    /// <returns>The length of all files in bytes.</returns>
    /// <exception cref="MemLoadException">ML9101, ML9104 if the bytes do not fit 64 bits, ML9107 to ML9109, ML9112, ML6001 to
    /// ML6003.</exception>
    public static long CountShardBytes(IWeightSource source, string folder, long maxShardBytes)
    {
        Check(source, folder, CheckpointFormat.Safetensors);
        return Fitting(folder, () => new ShardedWriter(source, folder, maxShardBytes)).Length;
    }

    /// <summary>Checks before the weights are loaded that <see cref="WriteShards"/> can write to a folder.</summary>
    /// <param name="folder">The folder to write; its parent must exist.</param>
    /// <param name="overwrite">Replace an existing folder that holds nothing but such files.</param>
    /// <exception cref="MemLoadException">ML9102 to ML9104.</exception>
    public static void RequireWritableShards(string folder, bool overwrite = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        WriteTarget.RequireWritable(WriteTarget.ForFolder(folder, overwrite, ShardedWriter.IsOurs));
    }

    /// <summary>Checks before the weights are loaded that <see cref="Write"/> can write a checkpoint to a path.</summary>
    /// <param name="path">The file or folder to write; its parent must exist.</param>
    /// <param name="format">The format.</param>
    /// <param name="overwrite">Replace an existing target of the same kind.</param>
    /// <exception cref="MemLoadException">ML9101, ML1008, ML9102 to ML9104.</exception>
    public static void RequireWritable(string path, CheckpointFormat format, bool overwrite = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CheckFormat(path, format);
        WriteTarget.RequireWritable(
            format == CheckpointFormat.PerTensor
                ? WriteTarget.ForFolder(path, overwrite, WriteTarget.IsPerTensor)
                : WriteTarget.ForFile(path, overwrite));
    }

    /// <summary>
    /// Returns the number of bytes that <see cref="Write"/> would write. Uses neither the disk nor the bytes of the weights.
    /// </summary>
    /// <param name="source">The weights.</param>
    /// <param name="path">The file or folder that would be written; its name is part of a .pth file.</param>
    /// <param name="format">The format.</param>
    /// <returns>The length of the file, or of all files of a folder, in bytes.</returns>
    /// <exception cref="MemLoadException">ML9101, ML9104 if the bytes do not fit 64 bits, ML9106 to ML9109, ML6001 to ML6003.</exception>
    public static long CountBytes(IWeightSource source, string path, CheckpointFormat format)
    {
        Check(source, path, format);
        return format == CheckpointFormat.PerTensor
            ? Fitting(path, () => new PerTensorWriter(source, path)).Length
            : Layout(source, path, format).Length;
    }

    private static CheckpointFileWriter Layout(IWeightSource source, string target, CheckpointFormat format) =>
        Fitting<CheckpointFileWriter>(target, () => format == CheckpointFormat.Safetensors
            ? new SafetensorsWriter(source, source.Tensors, target)
            : TorchZipWriter.ForStateDict(source, Path.GetFileName(target)));

    // Tensors that repeat their elements can have more bytes than any disk.
    private static T Fitting<T>(string target, Func<T> layout)
    {
        try
        {
            return layout();
        }
        catch (OverflowException e)
        {
            throw Rules.DiskFull.Broken("disk full: more than 2⁶³ − 1 bytes are needed", target, innerException: e);
        }
    }

    private static void WriteFolder(
        CheckpointFolderWriter writer, string target, bool overwrite, Func<string, bool> isOurs, WriteSession session)
    {
        using var folder = new AtomicFolder(target, overwrite, isOurs, writer.DiskBytes);
        writer.Write(folder.Path, target, session);
        session.RequireComplete();
        folder.Commit();
    }

    private static void Check(IWeightSource source, string path, CheckpointFormat format)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(path);
        CheckFormat(path, format);
        var names = new HashSet<string>(StringComparer.Ordinal);
        ImmutableArray<long> storages = source.StorageLengths;
        foreach (TensorEntry tensor in source.Tensors)
        {
            if (!names.Add(tensor.Name))
            {
                throw Rules.NameRepeated.Broken($"the name {Printable.Quote(tensor.Name)} occurs twice");
            }
            CheckName(tensor.Name, path);
            if (format != CheckpointFormat.Safetensors && !tensor.DType.IsOfPyTorch())
            {
                throw Rules.DTypeNotInFormat.Broken(
                    $"PyTorch has no {tensor.DType.TorchName()}, the dtype of tensor {Printable.Quote(tensor.Name)}",
                    path,
                    remedy: RemedyFor(tensor.DType));
            }
            CheckView(tensor, storages);
        }
    }

    /// <summary>Returns the remedy for a type that a format does not have; null for the remedy of the rule.</summary>
    internal static Remedy? RemedyFor(DType dtype)
    {
        if (dtype.IsOfPyTorch())
        {
            return null;
        }
        return dtype.SafetensorsName() is null
            ? (Remedy)$"Leave the tensor out ({(Act.Convert, Setting.Exclude)}): formats that can be written do not support blocks."
            : (Remedy)$"Write .safetensors instead, or leave the tensor out ({(Act.Convert, Setting.Exclude)}).";
    }

    private static void CheckFormat(string path, CheckpointFormat format)
    {
        if (format is not (CheckpointFormat.TorchZip or CheckpointFormat.Safetensors or CheckpointFormat.PerTensor))
        {
            throw Rules.FormatNotWritable.Broken($"{format} can be read but not written", path);
        }
        if (FormatNames.Contradicts(path, format))
        {
            // The written file could not be opened.
            throw Rules.ExtensionWrong.Broken(
                $"{format} would be written under the extension {Path.GetExtension(path)}",
                path,
                remedy: $"Give the target a name that ends in {FormatNames.ExtensionOf(format)}, or choose the format of its name "
                    + $"({Setting.Format}).");
        }
    }

    private static void CheckName(string name, string path)
    {
        try
        {
            _ = StrictUtf8.GetByteCount(name);
        }
        catch (EncoderFallbackException e)
        {
            throw Rules.NameNotWritable.Broken($"the name of tensor {Printable.Quote(name)} is not valid Unicode", path, innerException: e);
        }
    }

    // A source need not be a file that a reader has checked.
    private static void CheckView(TensorEntry tensor, ImmutableArray<long> storages)
    {
        try
        {
            if (!tensor.IsIn(storages))
            {
                long end = ShapeMath.ViewEnd(tensor.DType, tensor.Shape, tensor.Strides, tensor.ElementOffset);
                throw Rules.ViewOutsideStorage.Broken(
                    $"tensor {Printable.Quote(tensor.Name)} ends at byte {end} of storage {tensor.Storage}, which is shorter");
            }
            _ = tensor.Bytes;
        }
        catch (OverflowException e)
        {
            throw Rules.ShapeInvalid.Broken(
                $"tensor {Printable.Quote(tensor.Name)} has an impossible shape, strides or offset", innerException: e);
        }
    }
}
