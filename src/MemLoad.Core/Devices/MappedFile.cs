using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>A file of a checkpoint mapped into this process: pages come from the page cache when touched, and the file is never written.</summary>
public sealed unsafe class MappedFile : MemoryBuffer
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _address;
    private bool _disposed;

    private MappedFile(MemoryMappedFile file, MemoryMappedViewAccessor view, long length)
        : base(length)
    {
        _file = file;
        _view = view;
        byte* address = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        _address = address + view.PointerOffset;
    }

    /// <inheritdoc/>
    public override nint Address => (nint)_address;

    /// <summary>Maps a file. It must still have the length it had when the checkpoint was opened.</summary>
    /// <param name="file">The file.</param>
    /// <param name="writable">True if who looks at the mapping may write to it: what is written gets a page of its own, and the file stays as it is.</param>
    /// <exception cref="MemLoadException">ML1001, ML1002 or ML1006.</exception>
    public static MappedFile Open(CheckpointFile file, bool writable = false)
    {
        ArgumentNullException.ThrowIfNull(file);
        using (CheckpointFileReader.Reopen(file))
        {
        }
        try
        {
            SafeFileHandle handle = File.OpenHandle(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            MemoryMappedFileAccess access = writable ? MemoryMappedFileAccess.CopyOnWrite : MemoryMappedFileAccess.Read;
            var mapped = MemoryMappedFile.CreateFromFile(handle, null, 0, access, HandleInheritability.None, leaveOpen: false);
            return new MappedFile(mapped, mapped.CreateViewAccessor(0, file.Length, access), file.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Rules.PathUnreadable.Broken($"the file cannot be mapped: {e.Message.TrimEnd('.')}", file.Path, innerException: e);
        }
    }

    /// <inheritdoc/>
    public override void Write(long offset, ReadOnlySpan<byte> source) =>
        throw new NotSupportedException("A mapped checkpoint is read-only.");

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        new ReadOnlySpan<byte>(_address + offset, destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!_disposed && disposing)
        {
            _disposed = true;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }
}
