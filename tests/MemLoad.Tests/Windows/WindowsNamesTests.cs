namespace MemLoad.Tests.Windows;

public sealed class WindowsNamesTests
{
    [Theory]
    [InlineData(@"C:\models\x.pth", null)]
    [InlineData(@"C:/models/x.pth", null)]
    [InlineData(@"\\?\C:\models\x.pth", null)]
    [InlineData(@"\\.\C:\models\x.pth", null)]
    [InlineData(@"\\?\Volume{12345678-0000-0000-0000-000000000000}\x.pth", null)]
    [InlineData(@"\\server\share\x.pth", null)]
    [InlineData(@"\\?\UNC\server\share\x.pth", null)]
    [InlineData(@"\\.\COM1", "a device")]
    [InlineData(@"\\.\PhysicalDrive0", "a device")]
    [InlineData(@"\\?\GLOBALROOT\Device\Harddisk0\Partition0", "a device")]
    [InlineData(@"\\.\C:", "a device")]
    [InlineData(@"\\?\Volume{12345678-0000-0000-0000-000000000000}", "a device")]
    [InlineData(@"//./PhysicalDrive0", "a device")]
    [InlineData(@"\\.\pipe\x", "a named pipe")]
    [InlineData(@"\\server\pipe\x", "a named pipe")]
    [InlineData(@"C:\models\x.pth:stream", "a stream inside a file")]
    [InlineData(@"C:\models\x.pth::$DATA", "a stream inside a file")]
    [InlineData(@"\\?\C:\x.pth:stream", "a stream inside a file")]
    [InlineData(@"\\server\share\x.pth:stream", "a stream inside a file")]
    public void A_path_that_names_no_file_is_known_by_its_text(string path, string? kind) => Assert.Equal(kind, WindowsNames.Special(path));

    [Theory]
    [InlineData(@"C:\models\x.pth", @"C:\")]
    [InlineData(@"\\?\C:\models\x.pth", @"C:\")]
    [InlineData(@"\\?\Volume{1}\models\x.pth", @"\\?\Volume{1}\")]
    [InlineData(@"\\server\share\x.pth", null)]
    [InlineData(@"\\?\UNC\server\share\x.pth", null)]
    public void A_prefix_makes_no_path_a_share_and_no_share_local(string path, string? root) =>
        Assert.Equal(root, WindowsNames.LocalRoot(path));

    [SkippableTheory]
    [InlineData("COM1")]
    [InlineData("NUL")]
    [InlineData(@"\\.\PhysicalDrive0")]
    [InlineData("x.pth:stream")]
    public void Windows_opens_no_device_and_no_stream_for_a_checkpoint(string name)
    {
        Skip.IfNot(OperatingSystem.IsWindows(), "these are plain names elsewhere");
        using var folder = new TemporaryFolder();
        folder.CopyFixture("tiny/fp32.pth", "x.pth");
        string path = name.Contains(':', StringComparison.Ordinal) ? folder[name] : name;

        Assert.Equal("ML1010", Assert.Throws<MemLoadException>(() => Checkpoint.Open(path)).Rule.Id);
        Assert.Equal(
            "ML9103",
            Assert
                .Throws<MemLoadException>(() =>
                    CheckpointWriter.Write(
                        new Writing.MemorySource().Add("a", DType.Int8, 1), path, CheckpointFormat.TorchZip, overwrite: true))
                .Rule.Id);
        Assert.Equal(["x.pth"], folder.Names);
    }

    [SkippableFact]
    public void A_file_of_this_machine_is_mapped_for_any_form_of_its_path()
    {
        Skip.IfNot(OperatingSystem.IsWindows(), "prefixes of Windows");
        using var folder = new TemporaryFolder();
        string path = folder.CopyFixture("tiny/fp32.pth", "x.pth");
        foreach (string form in new[] { path, @"\\?\" + path, @"\\.\" + path })
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(form);
            Assert.Equal((form, null), (form, MappingSafety.Obstacle(file)));
        }
    }
}
