using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>The memory of a simulated device. As with the memory of a card, the host cannot access it without mapping it.</summary>
internal abstract class DevicePool : IDisposable
{
    public static DevicePool Create() => OperatingSystem.IsLinux() ? new KernelPool() : new SectionPool();

    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    public abstract void Read(long offset, Span<byte> destination);

    public abstract HostView Map(long offset, long length);

    /// <summary>Provides the memory of a new segment.</summary>
    public abstract void Add(long offset, long length);

    /// <summary>Returns the memory of a segment to the system.</summary>
    public abstract void Release(long offset, long length);

    public abstract void Dispose();
}

/// <summary>
/// On Linux: a memory file that system calls read and write. It is not mapped during a load, so its pages are in no resident set and do not
/// count in the measured host peak.
/// </summary>
internal sealed partial class KernelPool : DevicePool
{
    private const long Page = 4096;
    private const int CloseOnExec = 1;
    private const int PunchHoleKeepSize = 3;
    private const int BadAddress = 14; // EFAULT
    private const int TooBig = 27; // EFBIG

    private readonly SafeFileHandle _file;
    private long _length;

    public KernelPool()
    {
        FileSizeLimit.IsError(); // the limit also applies to memory files
        int descriptor = CreateMemoryFile("memload-sim", CloseOnExec);
        if (descriptor < 0)
        {
            if (OpenFiles.IsExhausted(Marshal.GetLastPInvokeError()))
            {
                throw Rules.FilesExhausted.Broken("the simulated device's memory is a file, and no more can be opened");
            }
            throw Rules.DeviceAbsent.Broken(
                $"the kernel gives no memory file for the simulated device (errno {Marshal.GetLastPInvokeError()})");
        }
        _file = new SafeFileHandle(descriptor, ownsHandle: true);
    }

    public override void Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            RandomAccess.Write(_file, source, offset);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IOException { HResult: TooBig })
        {
            throw TooLarge(offset + source.Length, e);
        }
        catch (IOException e) when (e.HResult == BadAddress)
        {
            throw Rules.ReadFailed.Broken(
                "what was to be copied to the simulated device cannot be read: the disk does not deliver a page of a mapped file",
                innerException: e);
        }
        catch (IOException e)
        {
            throw Rules.DeviceMemoryExhausted.Broken(
                $"the system has no memory left for the simulated device: {e.Message.TrimEnd('.')}", innerException: e);
        }
    }

    public override void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(_file, destination, offset);
            if (read == 0)
            {
                throw new InvalidOperationException("A read past the end of the simulated device's memory.");
            }
            destination = destination[read..];
            offset += read;
        }
    }

    public override HostView Map(long offset, long length)
    {
        long start = offset / Page * Page;
        var mapped = MemoryMappedFile.CreateFromFile(
            _file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        MemoryMappedViewAccessor view = mapped.CreateViewAccessor(start, offset + length - start);
        return new HostView(view.SafeMemoryMappedViewHandle.DangerousGetHandle() + (nint)view.PointerOffset + (nint)(offset - start),
            new Mapping(mapped, view));
    }

    public override void Add(long offset, long length)
    {
        long longer = Math.Max(_length, offset + length);
        try
        {
            RandomAccess.SetLength(_file, longer);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IOException)
        {
            throw TooLarge(longer, e);
        }
        _length = longer;
    }

    public override void Release(long offset, long length)
    {
        if (Deallocate(_file, PunchHoleKeepSize, offset, length) != 0)
        {
            throw new InvalidOperationException(
                $"The kernel did not take a segment of the simulated device back (errno {Marshal.GetLastPInvokeError()}).");
        }
    }

    public override void Dispose() => _file.Dispose();

    private static MemLoadException TooLarge(long bytes, Exception failure) => Rules.DeviceMemoryExhausted.Broken(
        $"the simulated device's memory is a file, and the system gives none of {bytes} bytes: {failure.Message.TrimEnd('.')}",
        remedy: "Raise the limit on the size of files (ulimit -f), or load onto cpu.", innerException: failure);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Deallocate(SafeFileHandle file, int mode, long offset, long length);

    private sealed class Mapping(MemoryMappedFile file, MemoryMappedViewAccessor view) : IDisposable
    {
        public void Dispose()
        {
            view.Dispose();
            file.Dispose();
        }
    }
}

/// <summary>On Windows and macOS: one section of shared memory per segment. It does not count as private memory of a process.</summary>
internal sealed unsafe class SectionPool : DevicePool
{
    private readonly SortedList<long, (long Length, MemoryMappedFile File, MemoryMappedViewAccessor View)> _segments = [];

    public override void Write(long offset, ReadOnlySpan<byte> source) =>
        source.CopyTo(new Span<byte>(Address(offset, source.Length), source.Length));

    public override void Read(long offset, Span<byte> destination) =>
        new ReadOnlySpan<byte>(Address(offset, destination.Length), destination.Length).CopyTo(destination);

    public override HostView Map(long offset, long length) => new((nint)Address(offset, length), null);

    public override void Add(long offset, long length)
    {
        try
        {
            var file = MemoryMappedFile.CreateNew(null, length);
            try
            {
                _segments.Add(offset, (length, file, file.CreateViewAccessor()));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException or ArgumentOutOfRangeException)
        {
            throw Rules.DeviceMemoryExhausted.Broken(
                $"the system has no memory left for the simulated device: {e.Message.TrimEnd('.')}", innerException: e);
        }
    }

    public override void Release(long offset, long length)
    {
        (_, MemoryMappedFile file, MemoryMappedViewAccessor view) = _segments[offset];
        _segments.Remove(offset);
        view.Dispose();
        file.Dispose();
    }

    public override void Dispose()
    {
        foreach (long offset in _segments.Keys.ToArray())
        {
            Release(offset, 0);
        }
    }

    private byte* Address(long offset, long length)
    {
        int found = SortedStarts.LastNotAbove(_segments.Count, _segments.GetKeyAtIndex, offset);
        long start = _segments.GetKeyAtIndex(found);
        (long size, _, MemoryMappedViewAccessor view) = _segments.GetValueAtIndex(found);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset - start, size - length, nameof(offset));
        return (byte*)view.SafeMemoryMappedViewHandle.DangerousGetHandle() + (offset - start);
    }
}
