namespace MemLoad.Tests.Checkpoints;

public sealed class FileSystemsTests
{
    [SkippableFact]
    public void The_name_is_the_one_of_the_mount_and_links_are_followed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The mounts of Linux.");
        using var folder = new TemporaryFolder();
        string link = folder["link"];
        File.CreateSymbolicLink(link, "/proc/self/status");

        Assert.Equal("proc", FileSystems.NameOf("/proc/self/status"));
        Assert.Equal("proc", FileSystems.NameOf(link));
        Assert.Equal("tmpfs", FileSystems.NameOf("/dev/shm"));
    }

    [Fact]
    public void A_missing_path_has_no_file_system()
    {
        Assert.Null(FileSystems.NameOf(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName(), "x")));
        Assert.Null(FileSystems.NameOf("https://example.invalid/model.safetensors"));
        Assert.Null(FileSystems.NameOf("a\0b"));
    }

    [Fact]
    public void A_file_of_this_machine_has_one_in_the_forecast_and_in_the_row()
    {
        string path = Fixtures.PathOf("tiny/fp32.pth");
        string? name = FileSystems.NameOf(path);
        LoadForecast forecast = LoadPlanner.Forecast(new LoadRequest { Path = path, Strategy = Strategy.Stream }, CancellationToken.None);

        Assert.False(string.IsNullOrEmpty(name));
        Assert.Equal(name, forecast.FileSystem);
    }

    [Theory]
    [InlineData("nfs4", true)]
    [InlineData("CIFS", true)]
    [InlineData("fuse.sshfs", true)]
    [InlineData("ext4", false)]
    [InlineData("fuse.mergerfs", false)]
    [InlineData("NTFS", false)]
    [InlineData(null, false)]
    public void File_systems_of_other_machines_are_known(string? name, bool remote) => Assert.Equal(remote, FileSystems.IsRemote(name));
}
