using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Appends to a new file through two buffers. While one buffer fills, another thread writes the other buffer and flushes it to the disk. It
/// uses 8 MiB for a file of any size. Use it from one thread, and dispose it before the file is closed.
/// </summary>
internal sealed partial class FileAppender(SafeFileHandle file, string target, long expectedBytes, WriteSession session) : IDisposable
{
    /// <summary>Bytes per write to the operating system.</summary>
    internal const int BufferBytes = 4 << 20;

    // The bytes that are copied to the page cache while they are in the processor cache.
    private const int PieceBytes = 1 << 20;

    private readonly Writeback _writeback = new(file);
    private byte[]? _filling;
    private byte[]? _spare;
    private int _filled;
    private long _fillingOffset; // the file offset of the filling buffer
    private Task _writing = Task.CompletedTask;
    private bool _kernelCopies = OperatingSystem.IsLinux(); // until it refuses

    /// <summary>The number of appended bytes.</summary>
    public long Position => _fillingOffset + _filled;

    /// <summary>Appends bytes. Returns before they are written.</summary>
    /// <exception cref="MemLoadException">ML9104 or ML9105, possibly for bytes that were appended earlier.</exception>
    /// <exception cref="OperationCanceledException">The session was canceled.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        session.CancellationToken.ThrowIfCancellationRequested();
        while (!bytes.IsEmpty)
        {
            _filling ??= ArrayPool<byte>.Shared.Rent(BufferBytes);
            ReadOnlySpan<byte> part = bytes[..Math.Min(bytes.Length, BufferBytes - _filled)];
            part.CopyTo(_filling.AsSpan(_filled));
            _filled += part.Length;
            bytes = bytes[part.Length..];
            if (_filled == BufferBytes)
            {
                StartWriting();
            }
        }
    }

    /// <summary>Appends the elements of a tensor of a source. Bytes that are in files in the required form are copied from there.</summary>
    /// <param name="source">The source.</param>
    /// <param name="tensor">One of its tensors. Of a checkpoint, also a range of bytes of a storage.</param>
    /// <param name="seen">Receives the elements, too, in order.</param>
    /// <exception cref="MemLoadException">ML9104, ML9105, and the errors of the source.</exception>
    /// <exception cref="OperationCanceledException">The session was canceled.</exception>
    public void Append(IWeightSource source, TensorEntry tensor, ElementSink? seen = null)
    {
        if (tensor.ElementCount == 0)
        {
            return;
        }
        if (source is Checkpoint checkpoint && tensor.IsContiguous && checkpoint.Storages[tensor.Storage] is { IsCopyable: true } storage)
        {
            if (!storage.IsInChunks)
            {
                Append(session.Files[checkpoint.Files[storage.File]], storage.Offset + tensor.ByteOffset, tensor.Bytes, seen);
            }
            foreach (StorageChunk chunk in storage.Chunks) // a tensor in chunks has all of them
            {
                Append(session.Files[checkpoint.Files[chunk.File]], chunk.Offset, chunk.Length, seen);
            }
            return;
        }
        source.StreamElements(tensor, piece =>
        {
            seen?.Invoke(piece);
            Append(piece);
        });
    }

    /// <summary>
    /// Appends a range of another file. If the system supports it, the kernel copies long ranges from page cache to page cache, or shares
    /// their blocks. Other bytes are copied through memory.
    /// </summary>
    /// <param name="source">The other file.</param>
    /// <param name="offset">The start of the range.</param>
    /// <param name="length">The bytes of the range.</param>
    /// <param name="seen">Receives the bytes, too, in order.</param>
    /// <exception cref="MemLoadException">ML9104 or ML9105; ML1005 to ML1007 if the source cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The session was canceled.</exception>
    public void Append(CheckpointFileReader source, long offset, long length, ElementSink? seen = null)
    {
        if (seen is not null)
        {
            // Bytes that are read anyway take less time through memory: another thread writes a buffer while the next one is filled.
            source.Stream(offset, length, piece =>
            {
                seen(piece);
                Append(piece);
            }, session.CancellationToken);
            return;
        }
        bool copies = _kernelCopies && length >= PieceBytes && !FileDecoding.Holds(offset);
        long copied = copies ? CopyInKernel(source, offset, length) : 0;
        source.Stream(offset + copied, length - copied, Append, session.CancellationToken);
    }

    /// <summary>Replaces bytes that were appended earlier, such as a checksum.</summary>
    /// <exception cref="MemLoadException">ML9104 or ML9105.</exception>
    public void Patch(long offset, ReadOnlySpan<byte> bytes)
    {
        if (offset < _fillingOffset)
        {
            int early = (int)Math.Min(bytes.Length, _fillingOffset - offset);
            FinishWriting();
            WriteNow(bytes[..early], offset);
            bytes = bytes[early..];
            offset += early;
        }
        if (!bytes.IsEmpty)
        {
            bytes.CopyTo(_filling.AsSpan((int)(offset - _fillingOffset)));
        }
    }

    /// <summary>Waits until all data is on the disk.</summary>
    /// <exception cref="MemLoadException">ML9104, ML9105, or ML9110 if the file does not have the expected bytes.</exception>
    public void Complete()
    {
        CompleteWriting();
        Flush(file, target, expectedBytes);
    }

    /// <summary>Waits until all data is written. It is not on the disk yet.</summary>
    /// <exception cref="MemLoadException">ML9104, ML9105, or ML9110 if the file does not have the expected bytes.</exception>
    public void CompleteWriting()
    {
        WriteFilled();
        if (_fillingOffset != expectedBytes)
        {
            throw Rules.SourceInconsistent.Broken($"{expectedBytes} bytes were expected and {_fillingOffset} were given", target);
        }
        session.CancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Waits until the content of a file is on the disk.</summary>
    /// <exception cref="MemLoadException">ML9104 or ML9105.</exception>
    public static void Flush(SafeFileHandle file, string target, long bytes)
    {
        try
        {
            DiskRequests.FlushFile(file);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, bytes);
        }
    }

    public void Dispose()
    {
        // The buffer must exist until its write ends. The result of that write is not needed.
        _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        Return(ref _filling);
        Return(ref _spare);
    }

    // The number of bytes that the kernel copied. It is less than all bytes if the kernel cannot copy, or after an error. Reading or
    // writing the rest reports the error.
    private long CopyInKernel(CheckpointFileReader source, long offset, long length)
    {
        WriteFilled();
        long copied = 0;
        while (copied < length)
        {
            session.CancellationToken.ThrowIfCancellationRequested();
            long from = offset + copied;
            long to = _fillingOffset;
            // Copies up to the next boundary in the new file, because two copies that fill the same page are both slower.
            long most = BufferBytes - (_fillingOffset % BufferBytes);
            long count = CopyFileRange(source.Handle, ref from, file, ref to, (nuint)Math.Min(most, length - copied), 0);
            if (count <= 0)
            {
                _kernelCopies = false;
                break;
            }
            _fillingOffset += count;
            SendToDisk(_fillingOffset);
            copied += count;
            session.Advance(count);
        }
        return copied;
    }

    private static void Return(ref byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = null;
        }
    }

    private void StartWriting()
    {
        FinishWriting();
        byte[] buffer = _filling!;
        long offset = _fillingOffset;
        _filling = _spare;
        _spare = buffer;
        _filled = 0;
        _fillingOffset += BufferBytes;
        _writing = Task.Run(() =>
        {
            for (int done = 0; done < BufferBytes; done += PieceBytes)
            {
                WriteNow(buffer.AsSpan(done, PieceBytes), offset + done);
                SendToDisk(offset + done + PieceBytes);
            }
        });
    }

    private void WriteFilled()
    {
        FinishWriting();
        WriteNow(_filling.AsSpan(0, _filled), _fillingOffset);
        _fillingOffset += _filled;
        session.Advance(_filled);
        _filled = 0;
    }

    private void FinishWriting()
    {
        if (_writing != Task.CompletedTask)
        {
            _writing.GetAwaiter().GetResult();
            _writing = Task.CompletedTask;
            session.Advance(BufferBytes);
        }
    }

    private void WriteNow(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, expectedBytes);
        }
    }

    private void SendToDisk(long end)
    {
        try
        {
            _writeback.WroteUpTo(end);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, expectedBytes);
        }
    }

    [LibraryImport("libc", EntryPoint = "copy_file_range")]
    private static partial nint CopyFileRange(
        SafeFileHandle source, ref long sourceOffset, SafeFileHandle target, ref long targetOffset, nuint length, uint flags);
}
