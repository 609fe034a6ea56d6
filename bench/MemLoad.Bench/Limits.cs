using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.Bench;

/// <summary>
/// The limits of the machine without MemLoad. One thread per processor moves the bytes of the file in pieces of 4 MiB with plain system
/// calls. A loader does more work than that, so it can approach a limit but not exceed it.
/// </summary>
internal static unsafe partial class Limits
{
    /// <summary>The speed of the disk: direct reads without the page cache.</summary>
    public const string Disk = "direct reads, touched memory";

    private const int Piece = 4 << 20;
    private const int DiskThreads = 4;
    private const nuint HugePage = 2 << 20;

    public static IReadOnlyList<string> All { get; } =
    ["pread, fresh memory", "pread, touched memory", "memcpy, touched memory", "pread and pwrite to memory files", Disk];

    public static TimeSpan Measure(string name, string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        long length = RandomAccess.GetLength(file);
        FreeMemory.Await();
        switch (name)
        {
            case "pread, fresh memory":
                return Into(file, length, touched: false);
            case "pread, touched memory":
                return Into(file, length, touched: true);
            case "memcpy, touched memory":
                {
                    byte* from = Map(length);
                    byte* to = Map(length);
                    new Span<byte>(from, 1).Clear();
                    InPieces(length, (offset, count) => NativeMemory.Fill(from + offset, (nuint)count, 1));
                    InPieces(length, (offset, count) => NativeMemory.Fill(to + offset, (nuint)count, 2));
                    return Timed(() => InPieces(length, (offset, count) => NativeMemory.Copy(from + offset, to + offset, (nuint)count)));
                }
            case Disk:
                {
                    int flags = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000; // O_DIRECT
                    using SafeFileHandle direct = Open(path, flags);
                    byte* memory = Map(length + Piece);
                    InPieces(length, (offset, count) => NativeMemory.Fill(memory + offset, (nuint)count, 1));
                    // A direct read has whole blocks. It is shorter only at the end of the file.
                    return Timed(() => Parallel(length, DiskThreads, () => (offset, count) =>
                    {
                        long read = RandomAccess.Read(direct, new Span<byte>(memory + offset, Piece), offset);
                        if (read < count)
                        {
                            throw new EndOfStreamException();
                        }
                    }));
                }
            default:
                {
                    // Several files are used, because a write locks its file.
                    SafeFileHandle[] memory =
                        [.. Enumerable.Range(0, 4).Select(_ => new SafeFileHandle(CreateMemoryFile("limit", 1), ownsHandle: true))];
                    Array.ForEach(memory, part => RandomAccess.SetLength(part, length));
                    TimeSpan time = Timed(() => Parallel(length, Environment.ProcessorCount, () =>
                    {
                        byte* bounce = (byte*)NativeMemory.AlignedAlloc(1 << 20, HugePage);
                        return (offset, count) =>
                        {
                            SafeFileHandle target = memory[offset / Piece % memory.Length];
                            for (int done = 0; done < count; done += 1 << 20)
                            {
                                int part = Math.Min(1 << 20, count - done);
                                ReadExactly(file, offset + done, bounce, part);
                                RandomAccess.Write(target, new ReadOnlySpan<byte>(bounce, part), offset + done);
                            }
                        };
                    }));
                    Array.ForEach(memory, part => part.Dispose());
                    return time;
                }
        }
    }

    private static TimeSpan Into(SafeFileHandle file, long length, bool touched)
    {
        byte* memory = Map(length);
        if (touched)
        {
            InPieces(length, (offset, count) => NativeMemory.Fill(memory + offset, (nuint)count, 1));
        }
        return Timed(() => InPieces(length, (offset, count) => ReadExactly(file, offset, memory + offset, count)));
    }

    private static void ReadExactly(SafeFileHandle file, long offset, byte* memory, int count)
    {
        for (int done = 0; done < count;)
        {
            done += RandomAccess.Read(file, new Span<byte>(memory + done, count - done), offset + done) is int read and > 0
                ? read
                : throw new EndOfStreamException();
        }
    }

    /// <summary>Maps memory that starts on a huge page, and requests huge pages for it.</summary>
    internal static byte* Map(long length)
    {
        nint found = Map(0, (nuint)length + HugePage, 3, 0x22, -1, 0);
        nint start = (found + (nint)HugePage - 1) / (nint)HugePage * (nint)HugePage;
        _ = Advise(start, (nuint)length, 14);
        return (byte*)start;
    }

    private static TimeSpan Timed(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start);
    }

    internal static void InPieces(long length, Action<long, int> work) => Parallel(length, Environment.ProcessorCount, () => work);

    private static void Parallel(long length, int count, Func<Action<long, int>> worker)
    {
        long next = 0;
        Thread[] threads = [.. Enumerable.Range(0, count).Select(_ => new Thread(() =>
        {
            Action<long, int> work = worker();
            for (long offset = Interlocked.Add(ref next, Piece) - Piece; offset < length; offset = Interlocked.Add(ref next, Piece) - Piece)
            {
                work(offset, (int)Math.Min(Piece, length - offset));
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    internal static void Unmap(byte* start, long length) => _ = Unmap((nint)start, (nuint)length);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateMemoryFile(string name, uint flags);
}
