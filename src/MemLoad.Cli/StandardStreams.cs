using System.Runtime.InteropServices;

namespace MemLoad.Cli;

/// <summary>The three standard streams that a program starts with.</summary>
internal static partial class StandardStreams
{
    private const int GetFlags = 1; // F_GETFD
    private const int ClosesOnExec = 1; // FD_CLOEXEC
    private const int ReadOnly = 0; // O_RDONLY

    private static readonly bool[] Closed = new bool[3];

    /// <summary>Whether this program was started without a standard output.</summary>
    public static bool OutputIsClosed => Closed[1];

    /// <summary>Whether this program was started without a standard error.</summary>
    public static bool ErrorIsClosed => Closed[2];

    /// <summary>
    /// Finds out which streams are closed (<c>memload … &gt;&amp;-</c>), and opens a file in their place. Otherwise the next file that this
    /// program opens would be its standard output. Files of the runtime may already be in their place and must not be written to. Files of
    /// the shell stay open over an exec, and files of the runtime do not.
    /// </summary>
    public static void Hold()
    {
        for (int descriptor = 0; !OperatingSystem.IsWindows() && descriptor < Closed.Length; descriptor++)
        {
            int flags = Control(descriptor, GetFlags);
            Closed[descriptor] = flags == -1 || (flags & ClosesOnExec) != 0;
            if (flags == -1)
            {
                _ = Open("/dev/null", ReadOnly);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}

/// <summary>
/// Standard output or standard error. The first failed write is recorded, and later output is dropped. The command continues and ends
/// normally, so that the files it writes are complete.
/// </summary>
/// <param name="inner">The stream to write to; null if it is closed.</param>
internal sealed class StandardStream(Stream? inner) : Stream
{
    /// <summary>Why a write failed; null if none failed.</summary>
    public Exception? Failure { get; private set; }
    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (Failure is not null)
        {
            return;
        }
        try
        {
            if (inner is null)
            {
                throw new IOException("It is closed");
            }
            inner.Write(buffer);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failure = e;
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // There is no buffer to flush.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
