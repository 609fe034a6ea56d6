using System.Globalization;

namespace MemLoad.Tests.Checkpoints;

/// <summary>The status of files on Linux, compared with the output of stat(1).</summary>
public sealed class FileStatusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void It_is_the_status_that_the_system_reports()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has this status");
        string file = _folder.Write("file", "content");
#pragma warning disable CA1416 // skipped on Windows
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
#pragma warning restore CA1416
        File.SetLastWriteTimeUtc(file, new DateTime(2024, 5, 6, 7, 8, 9, 123, DateTimeKind.Utc));
        Directory.CreateDirectory(_folder["folder"]);
        File.CreateSymbolicLink(_folder["link"], "file");

        foreach (string name in new[] { "file", "folder", "link" })
        {
            LinuxFileStatus status = LinuxFileStatus.OfName(_folder[name])!.Value;
            string said = Stat("%f %u %g %i %s %.9Y %Hd %Ld", _folder[name]);
            Assert.Equal(
                said,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{status.Mode:x} {status.UserId} {status.GroupId} {status.Inode} {status.Length} "
                        + $"{status.ModifiedNanoseconds / 1_000_000_000}.{status.ModifiedNanoseconds % 1_000_000_000:d9} "
                        + $"{status.Device >> 32} {(uint)status.Device}"));
            Assert.Equal((name == "file", name == "folder"), (status.IsRegular, status.IsFolder));
        }
        Assert.Equal(LinuxFileStatus.OfName(file), LinuxFileStatus.Of(_folder["link"]));
        Assert.Null(LinuxFileStatus.OfName(_folder["absent"]));
        using var open = File.OpenHandle(file);
        Assert.Equal(LinuxFileStatus.OfName(file), LinuxFileStatus.Of(open));
    }

    [SkippableFact]
    public void Only_root_and_the_current_user_are_trusted()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has this status");
        LinuxFileStatus status = LinuxFileStatus.OfName(_folder.Path)!.Value;

        Assert.True((status with { UserId = 0 }).IsTrusted);
        Assert.True((status with { UserId = LinuxFileStatus.EffectiveUser }).IsTrusted);
        Assert.False((status with { UserId = LinuxFileStatus.EffectiveUser + 1 }).IsTrusted);
    }

    [Fact]
    public void The_most_important_change_is_reported()
    {
        var stamp = new FileStamp(100, 5, 1, 2);

        Assert.Equal("the file was replaced by another file", stamp.Difference(new FileStamp(90, 6, 1, 3)));
        Assert.Equal("the file was replaced by another file", stamp.Difference(new FileStamp(100, 5, 2, 2)));
        Assert.Equal("the file had 100 bytes when it was opened and has 90 now", stamp.Difference(new FileStamp(90, 6, 1, 2)));
        Assert.Equal("the file was written to after it was opened", stamp.Difference(new FileStamp(100, 6, 1, 2)));
    }

    private static string Stat(string format, string path) => EndedProcess.Run("stat", "-c", format, path).Output.Trim();
}
