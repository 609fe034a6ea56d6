using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>Reads exact ranges of one file and converts every failure to a rule. Several threads can use it.</summary>
internal sealed class CheckpointFileReader : WholeFile
{
    /// <summary>The readahead of the system does not cover larger distances. A call to <see cref="Expect"/> then helps.</summary>
    public const int FarApart = 64 << 10;

    // Windows updates the time of a file only when its writer closes it. No program may therefore have the file open for writing while it
    // is read. On other systems, file sharing does not exclude other programs.
    private static readonly FileShare Share = OperatingSystem.IsWindows()
        ? FileShare.Read | FileShare.Delete
        : FileShare.ReadWrite | FileShare.Delete;

    private readonly DirectReads _direct;
    private readonly Lazy<SafeFileHandle?> _overlapped;
    private readonly Lazy<DecodedReads> _decoded;

    private CheckpointFileReader(string path, SafeFileHandle handle, FileStamp stamp)
    {
        Path = path;
        Handle = handle;
        _direct = new DirectReads(handle);
        _overlapped = new Lazy<SafeFileHandle?>(OpenOverlapped);
        _decoded = new Lazy<DecodedReads>(() => new DecodedReads(this, Decoding!));
        Stamp = stamp;
    }

    public override string Path { get; }

    public override CheckpointFile Described => new(Path, Length) { Stamp = Stamp, Decoding = Decoding };

    /// <summary>The identity of the file, and its state when it was opened.</summary>
    public FileStamp Stamp { get; }

    /// <summary>Length of the file when it was opened.</summary>
    public override long Length => Stamp.Length;

    /// <summary>The open file. The reader keeps ownership.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>False while bulk reads have found all data in the page cache.</summary>
    public bool NeedsDisk => _direct.NeedsDisk;

    /// <summary>Opens a file for reading. Other programs can read, write and delete it while it is open.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002, ML1010, ML1015, ML5019 or ML5201.</exception>
    public static CheckpointFileReader Open(string path)
    {
        FullPath.RequireName(path);
        RemoteAddress.RefuseBytes(path);
        FileKind.MustBeRegular(path);
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, Share);
            var reader = new CheckpointFileReader(path, handle, FileStamp.Of(handle));
            handle = null;
            return reader;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw HubCache.DanglingLink(path) ?? Rules.PathNotFound.Broken("there is no such file", path, innerException: e);
        }
        catch (PathTooLongException e)
        {
            throw Rules.PathNotFound.Broken("the path is longer than the system allows", path, innerException: e);
        }
        catch (IOException e) when (OpenFiles.IsExhausted(e))
        {
            throw OpenFiles.Exhausted(path, e);
        }
        catch (UnauthorizedAccessException e) when (Directory.Exists(path))
        {
            throw Rules.PathUnreadable.Broken("the path is a folder and not a file", path, innerException: e,
                remedy: "Name a file in the folder.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Rules.PathUnreadable.Broken($"the file cannot be opened: {SystemReason.Of(e)}", path, innerException: e);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Opens a file that a <see cref="Checkpoint"/> named earlier. It must be the same file, without changes.</summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006.</exception>
    public static CheckpointFileReader Reopen(CheckpointFile file)
    {
        CheckpointFileReader reader = Open(file.Path);
        if (reader.Is(file))
        {
            reader.Decoding = file.Decoding;
            return reader;
        }
        using (reader)
        {
            throw Rules.FileChanged.Broken(reader.Expected(file).Difference(reader.Stamp), file.Path);
        }
    }

    /// <summary>Whether this is the file that a checkpoint named, as it was when the checkpoint was opened.</summary>
    public bool Is(CheckpointFile file) => Stamp == Expected(file);

    /// <summary>
    /// Checks that no program wrote to the file during the reads. Call it after the last read and before the data is used.
    /// </summary>
    /// <exception cref="MemLoadException">ML1006, or ML1007 if the file system does not answer.</exception>
    public void RequireUnchanged()
    {
        FileStamp now;
        try
        {
            now = FileStamp.Of(Handle);
        }
        catch (IOException e)
        {
            throw Rules.ReadFailed.Broken(
                $"the file system no longer responds: {SystemReason.Of(e)}", Path, innerException: e);
        }
        if (now != Stamp)
        {
            throw Rules.FileChanged.Broken(Stamp.Difference(now), Path);
        }
    }

    public override void ReadExactly(long offset, Span<byte> destination)
    {
        if (FileDecoding.Holds(offset))
        {
            _decoded.Value.Read(offset, destination);
            return;
        }
        ReadExactly(Handle, offset, destination);
    }

    /// <summary>
    /// Fills the whole destination from the file. A large range that is not in the page cache is read directly from the disk.
    /// </summary>
    /// <exception cref="MemLoadException">As from <see cref="ReadExactly(long, Span{byte})"/>.</exception>
    public void ReadBulk(long offset, Span<byte> destination)
    {
        if (FileDecoding.Holds(offset))
        {
            _decoded.Value.Read(offset, destination);
            return;
        }
        while (_direct.Read(offset, destination) is int read and > 0)
        {
            destination = destination[read..];
            offset += read;
        }
        ReadExactly(OperatingSystem.IsWindows() ? _overlapped.Value ?? Handle : _direct.ForSmallReads, offset, destination);
    }

    /// <summary>
    /// Requests that the system reads a range into the page cache in the background. Any range is valid. It is a hint, if the system
    /// supports it.
    /// </summary>
    public override void Expect(long offset, long count)
    {
        if (FileAdvice.IsSupported && !FileDecoding.Holds(offset))
        {
            _ = FileAdvice.Give(Handle, offset, count, FileAdvice.WillNeed);
        }
    }

    public override void Dispose()
    {
        _direct.Dispose();
        if (_decoded.IsValueCreated)
        {
            _decoded.Value.Dispose();
        }
        if (_overlapped.IsValueCreated)
        {
            _overlapped.Value?.Dispose();
        }
        Handle.Dispose();
    }

    // Windows executes reads through a synchronous handle one after the other, even if they come from several threads. It executes
    // overlapped reads at the same time.
    private SafeFileHandle? OpenOverlapped()
    {
        try
        {
            SafeFileHandle again = File.OpenHandle(Path, FileMode.Open, FileAccess.Read, Share, FileOptions.Asynchronous);
            if (FileStamp.Of(again) == Stamp)
            {
                return again;
            }
            again.Dispose(); // the name now belongs to another file
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
        return null;
    }

    private FileStamp Expected(CheckpointFile file) => file.Stamp ?? Stamp with { Length = file.Length };

    private void ReadExactly(SafeFileHandle handle, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int read;
            try
            {
                read = RandomAccess.Read(handle, destination, offset);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A server can deny a read of a file that it allowed to open.
                throw Rules.ReadFailed.Broken($"reading {destination.Length} bytes failed: {SystemReason.Of(e)}", Path, offset, e);
            }
            if (read == 0)
            {
                RequireUnchanged();
                throw Rules.FileTruncated.Broken($"the file ends {destination.Length} bytes before the expected end", Path, offset);
            }
            destination = destination[read..];
            offset += read;
        }
    }
}
