using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// Appends to a new file through two buffers: while one fills, the other is written, and now and then forced to disk, on another thread. Holds
/// 8 MiB however much goes through. Use from one thread; dispose before the file is closed.
/// </summary>
internal sealed class FileAppender(SafeFileHandle file, string target, long expectedBytes, WriteSession session) : IDisposable
{
    /// <summary>Bytes handed to the operating system at once.</summary>
    internal const int BufferBytes = 4 << 20;

    // Without this the last flush of a large file would wait for gigabytes, deaf to cancellation.
    private const long BytesBetweenFlushes = 32 << 20;

    private byte[]? _filling;
    private byte[]? _spare;
    private int _filled;
    private long _fillingOffset; // where in the file the filling buffer will go
    private long _unflushed;
    private Task _writing = Task.CompletedTask;

    /// <summary>Bytes appended so far.</summary>
    public long Position => _fillingOffset + _filled;

    /// <summary>Appends bytes; returns before they are written.</summary>
    /// <exception cref="MemLoadException">ML9104 or ML9105, maybe for bytes appended earlier.</exception>
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

    /// <summary>Replaces bytes appended earlier, such as a checksum that was not known yet.</summary>
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
        if (bytes.IsEmpty)
        {
            return;
        }
        bytes.CopyTo(_filling.AsSpan((int)(offset - _fillingOffset)));
    }

    /// <summary>Waits until everything lies on the disk.</summary>
    /// <exception cref="MemLoadException">ML9104, ML9105, or ML9110 if the file did not get the bytes it was to get.</exception>
    public void Complete()
    {
        FinishWriting();
        WriteNow(_filling.AsSpan(0, _filled), _fillingOffset);
        _fillingOffset += _filled;
        session.Advance(_filled);
        _filled = 0;
        if (_fillingOffset != expectedBytes)
        {
            throw Rules.SourceInconsistent.Broken($"{expectedBytes} bytes were announced and {_fillingOffset} came", target);
        }
        session.CancellationToken.ThrowIfCancellationRequested();
        FlushNow();
    }

    public void Dispose()
    {
        // The buffer must outlive the write that reads it; how that write ended no longer matters.
        _writing.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Wait();
        Return(ref _filling);
        Return(ref _spare);
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
        _unflushed += BufferBytes;
        bool flush = _unflushed >= BytesBetweenFlushes;
        _unflushed = flush ? 0 : _unflushed;
        _filling = _spare;
        _spare = buffer;
        _filled = 0;
        _fillingOffset += BufferBytes;
        _writing = Task.Run(() =>
        {
            WriteNow(buffer.AsSpan(0, BufferBytes), offset);
            if (flush)
            {
                FlushNow();
            }
        });
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

    private void FlushNow()
    {
        try
        {
            RandomAccess.FlushToDisk(file);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, expectedBytes);
        }
    }
}
