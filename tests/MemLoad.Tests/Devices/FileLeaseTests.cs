using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Devices;

/// <summary>Leases on several files. Other programs write to some of the files.</summary>
public sealed partial class FileLeaseTests : IDisposable
{
    private const int Files = 5;
    private const int Urgent = 23; // SIGURG, which other parts of a process may also use

    private readonly TemporaryFolder _folder = new();
    private readonly List<SafeFileHandle> _handles = [];
    private readonly List<FileLease> _leases = [];
    private readonly int[] _broken = new int[Files];

    public void Dispose()
    {
        _leases.ForEach(lease => lease.Dispose());
        _handles.ForEach(handle => handle.Dispose());
        _folder.Dispose();
    }

    [SkippableFact]
    public void Only_the_lease_of_the_file_that_is_written_to_is_broken()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has leases");
        TakeAll();

        Write(3);
        Assert.Equal([0, 0, 0, 1, 0], _broken);
        Write(0);
        Assert.Equal([1, 0, 0, 1, 0], _broken);
        Write(3);
        Write(4);
        Assert.Equal([1, 0, 0, 1, 1], _broken);
    }

    [SkippableFact]
    public void A_signal_without_a_writer_breaks_no_lease()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has leases");
        TakeAll();

        Assert.Equal(0, Kill(Environment.ProcessId, Urgent));

        // A writer returns after its signal was handled, which follows the other signal.
        Write(4);
        Assert.Equal([0, 0, 0, 0, 1], _broken);
    }

    private void TakeAll()
    {
        for (int i = 0; i < Files; i++)
        {
            int file = i;
            _handles.Add(File.OpenHandle(_folder.Write(Name(i), "content"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            FileLease? lease = FileLease.TryTake(_handles[i], () => Interlocked.Increment(ref _broken[file]), out int error);
            Skip.If(lease is null, $"this file system has no leases: error {error}");
            _leases.Add(lease);
        }
    }

    private void Write(int file)
    {
        using var writer = new FileStream(_folder[Name(file)], FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        writer.WriteByte(0);
    }

    private static string Name(int file) => FormattableString.Invariant($"{file}.bin");

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
