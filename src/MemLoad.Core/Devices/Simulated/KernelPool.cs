using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// On Linux: memory files that system calls read and write. They are not mapped during a load, so their pages are in no resident set and do
/// not count in the measured host peak.
/// </summary>
internal sealed partial class KernelPool : DevicePool
{
    // A write to a file locks the file until its pages are allocated and filled. Stripes of the memory are in several files, so that
    // threads that write to neighboring stripes do not wait for each other.
    private const int FileCount = 4;
    private const long StripeBytes = 2 << 20;

    private const int CloseOnExec = 1;
    private const int PunchHoleKeepSize = 3;
    private const int BadAddress = 14; // EFAULT
    private const int TooBig = 27; // EFBIG
    private const int NoAccess = 0;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const int SharedFixed = 0x11;

    private readonly SafeFileHandle[] _files = new SafeFileHandle[FileCount];
    private long _stripes; // in each file

    public KernelPool()
    {
        FileSizeLimit.IsError(); // the limit also applies to memory files
        try
        {
            for (int i = 0; i < FileCount; i++)
            {
                _files[i] = CreateFile();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override void Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            while (!source.IsEmpty)
            {
                Part part = PartAt(offset, source.Length);
                RandomAccess.Write(part.File, source[..part.Length], part.Offset);
                source = source[part.Length..];
                offset += part.Length;
            }
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IOException { HResult: TooBig })
        {
            throw TooLarge(offset + source.Length, e);
        }
        catch (IOException e) when (e.HResult == BadAddress)
        {
            throw Rules.ReadFailed.Broken(
                "the data to copy to the simulated device cannot be read: the disk does not return a page of a mapped file",
                innerException: e);
        }
        catch (IOException e)
        {
            throw Rules.DeviceMemoryExhausted.Broken(
                $"the system has no memory left for the simulated device: {SystemReason.Of(e)}", innerException: e);
        }
    }

    public override void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            Part part = PartAt(offset, destination.Length);
            int read = RandomAccess.Read(part.File, destination[..part.Length], part.Offset);
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
        long start = offset / Environment.SystemPageSize * Environment.SystemPageSize;
        long end = offset + length;
        // One range of addresses, in which each stripe then replaces its part.
        nint address = Map(0, (nuint)(end - start), NoAccess, PrivateAnonymous, new SafeFileHandle(-1, ownsHandle: false), 0);
        bool mapped = address != -1;
        for (long at = start; mapped && at < end;)
        {
            Part part = PartAt(at, end - at);
            mapped = Map(address + (nint)(at - start), (nuint)part.Length, ReadWrite, SharedFixed, part.File, part.Offset) != -1;
            at += part.Length;
        }
        if (!mapped)
        {
            int error = Marshal.GetLastPInvokeError();
            new Mapping(address, (nuint)(end - start)).Dispose();
            throw Rules.HostMemoryExhausted.Broken(
                $"{length} bytes of the simulated device's memory cannot be mapped: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        return new HostView(address + (nint)(offset - start), new Mapping(address, (nuint)(end - start)));
    }

    public override void Add(long offset, long length)
    {
        long stripes = Math.Max(_stripes, (offset + length + (FileCount * StripeBytes) - 1) / (FileCount * StripeBytes));
        try
        {
            foreach (SafeFileHandle file in _files)
            {
                RandomAccess.SetLength(file, stripes * StripeBytes);
            }
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or IOException)
        {
            throw TooLarge(offset + length, e);
        }
        _stripes = stripes;
    }

    public override void Release(long offset, long length)
    {
        for (long at = offset; at < offset + length;)
        {
            Part part = PartAt(at, offset + length - at);
            if (Deallocate(part.File, PunchHoleKeepSize, part.Offset, part.Length) != 0)
            {
                throw new InvalidOperationException(
                    $"The kernel did not take a segment of the simulated device back (errno {Marshal.GetLastPInvokeError()}).");
            }
            at += part.Length;
        }
    }

    public override void Dispose()
    {
        foreach (SafeFileHandle? file in _files)
        {
            file?.Dispose();
        }
    }

    // The part of a range of the device's memory that is in one file.
    private readonly record struct Part(SafeFileHandle File, long Offset, int Length);

    private Part PartAt(long offset, long length)
    {
        (long stripe, long inStripe) = Math.DivRem(offset, StripeBytes);
        (long row, long file) = Math.DivRem(stripe, FileCount);
        return new Part(_files[file], (row * StripeBytes) + inStripe, (int)Math.Min(length, StripeBytes - inStripe));
    }

    private static SafeFileHandle CreateFile()
    {
        int descriptor = CreateMemoryFile("memload-sim", CloseOnExec);
        if (descriptor >= 0)
        {
            return new SafeFileHandle(descriptor, ownsHandle: true);
        }
        int error = Marshal.GetLastPInvokeError();
        throw OpenFiles.IsExhausted(error)
            ? Rules.FilesExhausted.Broken("the simulated device's memory is in files, and no more files can be opened")
            : Rules.DeviceAbsent.Broken($"the kernel does not create a memory file for the simulated device (errno {error})");
    }

    private static MemLoadException TooLarge(long bytes, Exception failure) => Rules.DeviceMemoryExhausted.Broken(
        $"the simulated device's memory is in files, and the system does not create one of {bytes} bytes: {SystemReason.Of(failure)}",
        remedy: "Raise the limit on the size of files (ulimit -f), or load onto cpu.", innerException: failure);

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Deallocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    // It has no finalizer: a tensor is an address in the mapping, which the garbage collector does not see.
    private sealed class Mapping(nint address, nuint bytes) : IDisposable
    {
        private nint _address = address;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _address, -1) is not -1 and nint mapped)
            {
                _ = Unmap(mapped, bytes);
            }
        }
    }
}
