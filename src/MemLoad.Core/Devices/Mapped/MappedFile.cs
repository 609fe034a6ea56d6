using System.IO.MemoryMappedFiles;

namespace MemLoad;

/// <summary>
/// A file of a checkpoint that is mapped into this process. Pages come from the page cache when they are used, and the file is never
/// written. A guarded mapping releases its pages before another program writes to the file. The pages then read as zeros, their use does
/// not end the process, and <see cref="RequireIntact"/> throws.
/// </summary>
internal sealed unsafe partial class MappedFile : MemoryBuffer
{
    private const int ProtectRead = 1;
    private const int ProtectReadWrite = 3;
    private const int PrivateAnonymousFixed = 0x4032; // MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, on Linux

    private readonly CheckpointFileReader _reader;
    private readonly bool _writable;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _address;
    private FileLease? _lease;
    private volatile bool _lost;

    private MappedFile(CheckpointFileReader reader, bool writable) : base(reader.Length)
    {
        _reader = reader;
        _writable = writable;
        MemoryMappedFileAccess access = writable ? MemoryMappedFileAccess.CopyOnWrite : MemoryMappedFileAccess.Read;
        _file = MemoryMappedFile.CreateFromFile(reader.Handle, null, 0, access, HandleInheritability.None, leaveOpen: true);
        try
        {
            _view = _file.CreateViewAccessor(0, reader.Length, access);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
        byte* address = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        _address = address + _view.PointerOffset;
    }

    public override nint Address => (nint)_address;

    /// <summary>
    /// Maps a file. It must be the file from which the checkpoint was opened, without changes. A write to a writable mapping changes a
    /// private page, and not the file.
    /// </summary>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006; ML1012 if a guard is required and not available.</exception>
    public static MappedFile Open(CheckpointFile file, bool writable = false, MapGuard guard = MapGuard.WherePossible)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Open(CheckpointFileReader.Reopen(file), writable, guard);
    }

    /// <summary>Maps a file that is open, and takes it over.</summary>
    internal static MappedFile Open(CheckpointFileReader reader, bool writable, MapGuard guard)
    {
        MappedFile? mapped = null;
        try
        {
            if (reader.Decoding?.Obstacle is string barrier)
            {
                throw Rules.MappingDecoded.Broken($"the file cannot be mapped: {barrier}", reader.Path);
            }
            mapped = new MappedFile(reader, writable);
            if (guard != MapGuard.None
                && MappingSafety.Guard(reader, mapped.GiveUp, out mapped._lease) is string obstacle
                && guard == MapGuard.Required)
            {
                throw Unguarded(reader.Path, obstacle);
            }
            // Detects changes before the guard was set. No page has been used yet.
            mapped.RequireIntact();
            return mapped;
        }
        catch (Exception e)
        {
            using (reader)
            using (mapped)
            {
                if (e is IOException or UnauthorizedAccessException or ArgumentException)
                {
                    reader.RequireUnchanged(); // a truncated file would give an argument error
                    throw Rules.PathUnreadable.Broken(
                        $"the file cannot be mapped: {SystemReason.Of(e)}", reader.Path, innerException: e);
                }
                throw;
            }
        }
    }

    public override void RequireIntact()
    {
        if (_lost)
        {
            throw Rules.FileChanged.Broken(
                "another program opened the file for writing, or cut it short, while its weights were mapped here; the "
                    + "mapping was removed before that",
                _reader.Path,
                remedy: $"Load the file again when no program writes to it. Stream ({Setting.Strategy}) copies the weights, so "
                    + $"that other programs cannot change them.");
        }
        _reader.RequireUnchanged();
    }

    public override void Write(long offset, ReadOnlySpan<byte> source) =>
        throw new NotSupportedException("A mapped checkpoint is read-only.");

    public override void Read(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        new ReadOnlySpan<byte>(_address + offset, destination.Length).CopyTo(destination);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _lease?.Dispose(); // first, so that no callback maps over a range that is unmapped
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
            _reader.Dispose();
        }
    }

    internal static MemLoadException Unguarded(string path, string obstacle) =>
        Rules.MappingUnguarded.Broken($"the file may become shorter while it is mapped: {obstacle}", path);

    // Called before another program can write. The pages are replaced in one step. Readers continue and read zeros from here.
    private void GiveUp()
    {
        _lost = true;
        _ = Map((nint)_address, (nuint)Length, _writable ? ProtectReadWrite : ProtectRead, PrivateAnonymousFixed, -1, 0);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);
}
