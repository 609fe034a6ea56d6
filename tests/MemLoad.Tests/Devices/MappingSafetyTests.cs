using System.Runtime.InteropServices;

namespace MemLoad.Tests.Devices;

/// <summary>
/// Files on which this process gets no lease, so that it is not notified about writers. They are mapped only if no other user may write to
/// them. A thread gives up its right to leases and its ownership of files, so that it gets none. Both end with the thread.
/// </summary>
public sealed unsafe partial class MappingSafetyTests : IDisposable
{
    private const int Nobody = 65534;
    private const int LeaseRight = 1 << 28; // CAP_LEASE
    private const uint Version3 = 0x20080522; // _LINUX_CAPABILITY_VERSION_3

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("rw-r--r--", 0, null)]
    [InlineData("r--r--r--", 0, null)]
    [InlineData("rw-------", 0, null)]
    [InlineData("rwxr-xr-x", 0, null)]
    [InlineData("rw-rw-r--", 0, "its group or others may write to it")]
    [InlineData("rw-r--rw-", 0, "its group or others may write to it")]
    [InlineData("r---w----", 0, "its group or others may write to it")]
    [InlineData("r------w-", 0, "its group or others may write to it")]
    [InlineData("rw-r--r--", Nobody - 1, "it belongs to user 65533, who may write to it")]
    [InlineData("r--r--r--", Nobody - 1, "it belongs to user 65533, who may write to it")]
    public void Without_a_lease_a_file_is_mapped_only_if_no_other_user_can_write_to_it(string mode, int owner, string? obstacle)
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root can give up rights for one thread");
        string path = _folder.Write("x.bin", "content");
        Assert.Equal(0, ChangeMode(path, ModeOf(mode)));
        Assert.Equal(0, ChangeOwner(path, owner, owner));
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        string? found = null;
        FileLease? lease = null;

        bool lacks = false;
        var thread = new Thread(() =>
        {
            lacks = GiveRightsAway();
            found = MappingSafety.Guard(file, static () => { }, out lease);
            lease?.Dispose();
        });
        thread.Start();
        thread.Join();

        Skip.IfNot(lacks, "this root user has too few rights");
        Assert.Null(lease);
        Assert.Equal(obstacle, found);
    }

    [SkippableFact]
    public void A_file_system_that_is_not_known_to_be_local_is_named()
    {
        const string OfTheKernel = "/proc/self/status";
        Skip.IfNot(OperatingSystem.IsLinux() && File.Exists(OfTheKernel), "needs Linux's /proc");
        using CheckpointFileReader file = CheckpointFileReader.Open(OfTheKernel);

        string? obstacle = MappingSafety.Guard(file, static () => { }, out FileLease? lease);

        Assert.Equal("it is on a file system that is not known to be local (0x00009fa0)", obstacle);
        Assert.Equal(obstacle, MappingSafety.Obstacle(file));
        Assert.Null(lease);
    }

    [SkippableFact]
    public void A_file_that_a_program_has_open_for_writing_is_not_mapped()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has leases");
        string path = _folder.Write("x.bin", "content");
        using CheckpointFileReader file = CheckpointFileReader.Open(path);
        using (new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            Assert.Equal("another program has it open for writing", MappingSafety.Obstacle(file));
            MemLoadException refusal = Assert.Throws<MemLoadException>(
                () => MappedFile.Open(new CheckpointFile(path, 7), guard: MapGuard.Required));
            Assert.Equal("ML1012", refusal.Rule.Id);
        }
        Assert.Null(MappingSafety.Obstacle(file));
    }

    [SkippableTheory]
    [InlineData(true, MapGuard.Required)]
    [InlineData(true, MapGuard.WherePossible)]
    [InlineData(false, MapGuard.Required)]
    [InlineData(false, MapGuard.WherePossible)]
    public void Weights_whose_file_was_opened_for_writing_are_zeros_and_are_reported_as_lost(bool writable, MapGuard guard)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has leases");
        string path = _folder.Write("x.bin", "content");
        using var mapped = MappedFile.Open(new CheckpointFile(path, 7), writable, guard);
        mapped.RequireIntact();

        using (new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            // The writer changes no byte. The mapping is lost anyway, because a lease breaks when a file is opened for writing.
        }

        byte[] back = new byte[7];
        mapped.Read(0, back);
        Assert.Equal(new byte[7], back);
        MemLoadException loss = Assert.Throws<MemLoadException>(mapped.RequireIntact);
        Assert.Equal("ML1006", loss.Rule.Id);
        Assert.Contains("the mapping was removed before that", loss.Finding, StringComparison.Ordinal);
        if (writable)
        {
            *(byte*)mapped.Address = 5; // code that uses the tensor can still write to it
            mapped.Read(0, back);
            Assert.Equal(5, back[0]);
        }
    }

    [SkippableFact]
    public void A_mapping_without_a_guard_keeps_its_file()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has leases");
        string path = _folder.Write("x.bin", "content");
        using var mapped = MappedFile.Open(new CheckpointFile(path, 7), guard: MapGuard.None);
        using (new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
        }

        byte[] back = new byte[7];
        mapped.Read(0, back);
        Assert.Equal("content"u8, back);
        mapped.RequireIntact();
    }

    [SkippableFact]
    public void With_a_lease_a_file_is_mapped_also_if_other_users_can_write_to_it()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has leases");
        string path = _folder.Write("x.bin", "content");
        Assert.Equal(0, ChangeMode(path, ModeOf("rw-rw-rw-")));
        using CheckpointFileReader file = CheckpointFileReader.Open(path);

        string? obstacle = MappingSafety.Guard(file, static () => { }, out FileLease? lease);

        using (lease)
        {
            Assert.NotNull(lease);
            Assert.Null(obstacle);
        }
    }

    // The change applies only to this thread, because the system keeps both per thread.
    private static bool GiveRightsAway()
    {
        _ = SetFileUser(Nobody);
        uint* header = stackalloc uint[] { Version3, 0 };
        uint* rights = stackalloc uint[6]; // effective, permitted and inheritable ones, twice
        if (GetRights(header, rights) != 0)
        {
            return false;
        }
        rights[0] &= ~(uint)LeaseRight;
        return SetRights(header, rights) == 0 && SetFileUser(-1) == Nobody;
    }

    private static int ModeOf(string text) =>
        text.Select((letter, place) => letter == '-' ? 0 : 1 << (text.Length - 1 - place)).Sum();

    [LibraryImport("libc", EntryPoint = "chmod", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeMode(string path, int mode);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, int user, int group);

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileUser(int user);

    [LibraryImport("libc", EntryPoint = "capget")]
    private static partial int GetRights(uint* header, uint* rights);

    [LibraryImport("libc", EntryPoint = "capset")]
    private static partial int SetRights(uint* header, uint* rights);
}
