using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.PlayedCuda;

/// <summary>
/// The memory of a played card. Its addresses are not those of memory in this process, so a program that uses one as an address ends. On
/// Linux it is a memory file outside the address space. The memory of a card therefore does not count as memory of the process.
/// </summary>
internal sealed unsafe partial class PlayedMemory : IDisposable
{
    private const ulong FirstAddress = 0x7000_0000_0000;

    private readonly SortedList<ulong, long> _allocations = [];
    private readonly SafeFileHandle? _file;
    private readonly Dictionary<ulong, nint> _blocks = [];
    private ulong _next = FirstAddress;

    public PlayedMemory()
    {
        if (OperatingSystem.IsLinux())
        {
            _file = new SafeFileHandle(CreateFile("played-card", 1), ownsHandle: true);
        }
    }

    public long AllocatedBytes { get; private set; }

    public int Count => _allocations.Count;

    public ulong Allocate(long bytes)
    {
        ulong address = _next;
        _next += (ulong)((bytes + 511) / 512 * 512);
        _allocations.Add(address, bytes);
        AllocatedBytes += bytes;
        if (_file is not null)
        {
            RandomAccess.SetLength(_file, (long)(_next - FirstAddress));
        }
        else
        {
            _blocks.Add(address, (nint)NativeMemory.Alloc((nuint)bytes));
        }
        return address;
    }

    public bool Free(ulong address)
    {
        if (!_allocations.Remove(address, out long bytes))
        {
            return false;
        }
        AllocatedBytes -= bytes;
        if (_file is not null)
        {
            _ = Deallocate(_file, 3, (long)(address - FirstAddress), (bytes + 511) / 512 * 512);
        }
        else if (_blocks.Remove(address, out nint block))
        {
            NativeMemory.Free((void*)block);
        }
        return true;
    }

    /// <summary>Whether a range is in one allocation.</summary>
    public bool Has(ulong address, long bytes)
    {
        ulong start = _allocations.Keys.LastOrDefault(start => start <= address);
        return start != 0 && (long)(address - start) <= _allocations[start] - bytes;
    }

    public void Write(ulong address, ReadOnlySpan<byte> source)
    {
        if (_file is not null)
        {
            RandomAccess.Write(_file, source, (long)(address - FirstAddress));
        }
        else
        {
            source.CopyTo(Span(address, source.Length));
        }
    }

    public void Read(ulong address, Span<byte> target)
    {
        if (_file is not null)
        {
            for (int done = 0; done < target.Length;)
            {
                int read = RandomAccess.Read(_file, target[done..], (long)(address - FirstAddress) + done);
                done += read > 0 ? read : throw new InvalidOperationException("The played memory ends.");
            }
        }
        else
        {
            Span(address, target.Length).CopyTo(target);
        }
    }

    public void Dispose()
    {
        foreach (ulong address in _allocations.Keys.ToArray())
        {
            Free(address);
        }
        _file?.Dispose();
    }

    private Span<byte> Span(ulong address, int length)
    {
        ulong start = _allocations.Keys.Last(start => start <= address);
        return new Span<byte>((byte*)_blocks[start] + (address - start), length);
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "fallocate")]
    private static partial int Deallocate(SafeFileHandle file, int mode, long offset, long length);
}
