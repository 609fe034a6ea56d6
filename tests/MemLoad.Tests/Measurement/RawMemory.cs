using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Measurement;

/// <summary>Pages that are requested from the kernel and returned to it directly, because an allocator can keep some.</summary>
internal sealed unsafe partial class RawMemory : IDisposable
{
    private const int ReadWrite = 3;
    private const int Shared = 1;
    private const int Private = 2;
    private const int Anonymous = 0x20;

    private readonly nuint _length;
    private byte* _address;

    private RawMemory(long length, int flags, int file)
    {
        _length = (nuint)length;
        void* address = Map(null, _length, ReadWrite, flags, file, 0);
        Assert.True((nint)address != -1, $"mmap failed: {Marshal.GetLastPInvokeErrorMessage()}");
        _address = (byte*)address;
    }

    public static RawMemory OfNothing(long length) => new(length, Private | Anonymous, -1);

    public static RawMemory OfSharedMemory(long length)
    {
        using SafeFileHandle file = UnmappedMemory(length);
        return new RawMemory(length, Shared, (int)file.DangerousGetHandle());
    }

    public static SafeFileHandle UnmappedMemory(long length)
    {
        var file = new SafeFileHandle(CreateMemoryFile("memload-test", 0), ownsHandle: true);
        Assert.False(file.IsInvalid);
        Assert.Equal(0, Truncate(file, length));
        return file;
    }

    public static RawMemory OfFile(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        return new RawMemory(RandomAccess.GetLength(file), Shared, (int)file.DangerousGetHandle());
    }

    public RawMemory Write()
    {
        for (nuint i = 0; i < _length; i += 4096)
        {
            _address[i] = 1;
        }
        return this;
    }

    public RawMemory Read()
    {
        for (nuint i = 0; i < _length; i += 4096)
        {
            _ = Volatile.Read(ref _address[i]);
        }
        return this;
    }

    public void Dispose()
    {
        if (_address != null)
        {
            _ = Unmap(_address, _length);
            _address = null;
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Map(void* hint, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Truncate(SafeFileHandle file, long length);
}
