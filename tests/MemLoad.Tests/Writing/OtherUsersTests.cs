using System.Globalization;
using System.Runtime.InteropServices;
using MemLoad.Tests.Cli;

namespace MemLoad.Tests.Writing;

/// <summary>Obstacles that other users create for a writer: links to other places, pipes that wait, and their own files.</summary>
public sealed partial class OtherUsersTests : IDisposable
{
    private const int Somebody = 65534;
    private const int Group = 65533;
    private const uint Version3 = 0x20080522; // _LINUX_CAPABILITY_VERSION_3
    private const uint OwnerRight = 1 << 0; // CAP_CHOWN
    private const uint FilesOfOthersRight = 1 << 3; // CAP_FOWNER

    private readonly TemporaryFolder _folder = new();

    public OtherUsersTests()
    {
        Directory.CreateDirectory(_folder["mine"]);
        Directory.CreateDirectory(_folder["everybodys"]);
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<CheckpointFormat> Formats =>
        [CheckpointFormat.TorchZip, CheckpointFormat.Safetensors, CheckpointFormat.PerTensor];

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void Files_are_not_written_through_the_link_of_another_user(CheckpointFormat format)
    {
        RequireRoot();
        Run("chmod", "1777", _folder["everybodys"]);
        _folder.Write("mine/precious", "precious");
        Directory.CreateDirectory(_folder["mine/folder"]);
        Link("everybodys/file", "mine/precious");
        Link("everybodys/dangling", "mine/new");
        Link("everybodys/relative", "../mine/new");
        Link("everybodys/folder", "mine/folder");
        Link("everybodys/first", "everybodys/file");
        File.CreateSymbolicLink(_folder["mine/own"], _folder["everybodys/dangling"]); // a link of this user to a path of another user

        foreach (string name in new[]
            {
                "everybodys/file",
                "everybodys/dangling",
                "everybodys/relative",
                "everybodys/folder",
                "everybodys/folder/x",
                "everybodys/first",
                "mine/own",
            })
        {
            var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(Weights(), _folder[name], format, overwrite: true));
            Assert.Equal((name, "ML9103"), (name, refusal.Rule.Id));
            Assert.Contains("another user", refusal.Finding, StringComparison.Ordinal);
        }
        Assert.Equal("precious", File.ReadAllText(_folder["mine/precious"]));
        Assert.Equal(["folder", "own", "precious"], Directory.EnumerateFileSystemEntries(_folder["mine"]).Select(Path.GetFileName).Order());
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["mine/folder"]));
    }

    [SkippableFact]
    public void The_cache_is_not_written_through_the_link_of_another_user()
    {
        RequireRoot();
        Run("chmod", "1777", _folder["everybodys"]);
        Link("everybodys/cache", "mine");

        var run = ProgramRun.Of([("MEMLOAD_CACHE", _folder["everybodys/cache"])], "measure", "--size", "gpt2-small", "--strategy", "auto");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("ML9111", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["mine"]));
    }

    [SkippableFact]
    public void Links_that_only_this_user_or_root_can_have_put_there_are_followed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems follow all links");
        File.CreateSymbolicLink(_folder["link"], "mine");
        File.CreateSymbolicLink(_folder["mine/x.pth"], "../mine/real.pth");

        CheckpointWriter.Write(Weights(), _folder["link/x.pth"], CheckpointFormat.TorchZip, overwrite: true);

        Assert.True(File.Exists(_folder["mine/real.pth"]));
        Assert.NotNull(new FileInfo(_folder["mine/x.pth"]).LinkTarget);
    }

    [SkippableTheory]
    [InlineData("mine")]
    [InlineData("absent")]
    public void A_folder_is_replaced_or_created_at_the_target_of_a_link_and_the_link_stays(string place)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "on other systems .NET follows them");
        File.CreateSymbolicLink(_folder["link"], place);

        var refusal = Assert.Throws<MemLoadException>(() => CheckpointWriter.Write(Weights(), _folder["link"], CheckpointFormat.PerTensor));
        CheckpointWriter.Write(Weights(), _folder["link"], CheckpointFormat.PerTensor, overwrite: true);

        Assert.Equal("ML9102", refusal.Rule.Id); // the name exists, independent of the target of the link
        Assert.Equal(["a.pt"], Directory.EnumerateFileSystemEntries(_folder[place]).Select(Path.GetFileName));
        Assert.Equal(place, new FileInfo(_folder["link"]).LinkTarget);
    }

    [SkippableFact]
    public void Links_in_a_circle_are_refused()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "links");
        File.CreateSymbolicLink(_folder["a"], _folder["b"]);
        File.CreateSymbolicLink(_folder["b"], _folder["a"]);

        Assert.Equal(
            "ML9103",
            Assert
                .Throws<MemLoadException>(() => CheckpointWriter.Write(Weights(), _folder["a"], CheckpointFormat.TorchZip, overwrite: true))
                .Rule.Id);
    }

    [SkippableTheory]
    [InlineData(40, true)]
    [InlineData(41, false)]
    public void As_many_links_are_followed_as_the_kernel_follows(int links, bool isFollowed)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "on other systems .NET follows them");
        for (int i = 1; i <= links; i++)
        {
            File.CreateSymbolicLink(_folder[$"{i}"], i == links ? "real" : $"{i + 1}");
        }

        MemLoadException? refusal =
            Record.Exception(() => CheckpointWriter.Write(Weights(), _folder["1"], CheckpointFormat.TorchZip, overwrite: true))
            as MemLoadException;

        Assert.Equal((isFollowed ? null : "ML9103", isFollowed), (refusal?.Rule.Id, File.Exists(_folder["real"])));
    }

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void A_file_that_root_replaces_keeps_its_owner(CheckpointFormat format)
    {
        RequireRoot();
        CheckpointWriter.Write(Weights(), _folder["x"], format);
        Run("chmod", "-R", "u=rwX,go=", _folder["x"]);
        Run("chown", "-R", FormattableString.Invariant($"{Somebody}:{Group}"), _folder["x"]);
        string[] before = Owners(_folder["x"]);

        CheckpointWriter.Write(Weights(), _folder["x"], format, overwrite: true);

        Assert.Equal(before, Owners(_folder["x"]));
        Assert.All(before, line => Assert.EndsWith($" {Somebody}:{Group}", line, StringComparison.Ordinal));
    }

    // The new file would otherwise be open to a group that had no access to the old one. A thread gives up its right to change owners.
    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public void A_file_whose_group_cannot_be_set_has_no_group_permissions(CheckpointFormat format)
    {
        RequireRoot();
        CheckpointWriter.Write(Weights(), _folder["x"], format);
        Run("chmod", "u=rwX,g=rwX,o=", _folder["x"]);
        Run("chown", FormattableString.Invariant($":{Group}"), _folder["x"]);
        bool lacks = false;
        var thread = new Thread(() =>
        {
            lacks = GiveAway(OwnerRight);
            if (lacks)
            {
                CheckpointWriter.Write(Weights(), _folder["x"], format, overwrite: true);
            }
        });
        thread.Start();
        thread.Join();

        Skip.IfNot(lacks, "this root user has too few rights");
        string mode = format == CheckpointFormat.PerTensor ? "700" : "600";
        Assert.Equal($" {mode} 0:0", Owners(_folder["x"])[0]);
    }

    // A thread gives up its right to change the permissions of files that it has given to another user.
    [SkippableFact]
    public void A_file_whose_permissions_cannot_be_set_is_removed()
    {
        RequireRoot();
        CheckpointWriter.Write(Weights(), _folder["x"], CheckpointFormat.TorchZip);
        Run("chown", FormattableString.Invariant($"{Somebody}:{Group}"), _folder["x"]);
        string[] before = _folder.Names;
        bool lacks = false;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            lacks = GiveAway(FilesOfOthersRight);
            failure = lacks
                ? Record.Exception(() => CheckpointWriter.Write(Weights(), _folder["x"], CheckpointFormat.TorchZip, overwrite: true))
                : null;
        });
        thread.Start();
        thread.Join();

        Skip.IfNot(lacks, "this root user has too few rights");
        Assert.Equal("ML9103", Assert.IsType<MemLoadException>(failure).Rule.Id);
        Assert.Equal(before, _folder.Names);
        Assert.DoesNotContain(
            new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Select(file => file.LinkTarget),
            target => target?.StartsWith(_folder.Path, StringComparison.Ordinal) == true);
    }

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public async Task Pipes_and_links_named_like_temporary_files_do_not_block_and_are_kept(CheckpointFormat format)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "pipes with names");
        _folder.Write("other", "mine");
        Run("mkfifo", _folder[".x.0123456789abcdef.tmp"], _folder[".x.1123456789abcdef.lock"], _folder[".x.2123456789abcdef.lock"]);
        Directory.CreateDirectory(_folder[".x.2123456789abcdef.tmp"]);
        File.CreateSymbolicLink(_folder[".x.3123456789abcdef.tmp"], _folder["other"]);
        string[] before = _folder.Names;

        await Task.Run(() => CheckpointWriter.Write(Weights(), _folder["x"], format)).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal([.. before.Append("x").Order(StringComparer.Ordinal)], _folder.Names);
        Assert.Equal("mine", File.ReadAllText(_folder["other"]));
    }

    [SkippableFact]
    public void Files_that_the_writer_of_another_user_left_are_not_removed()
    {
        RequireRoot();
        string left = _folder.Write(".x.0123456789abcdef.tmp", "left");
        Run("chown", FormattableString.Invariant($"{Somebody}"), left);

        CheckpointWriter.Write(Weights(), _folder["x"], CheckpointFormat.TorchZip);

        Assert.True(File.Exists(left));
    }

    // The change applies only to this thread, because the system keeps rights per thread.
    private static unsafe bool GiveAway(uint right)
    {
        uint* header = stackalloc uint[] { Version3, 0 };
        uint* rights = stackalloc uint[6]; // effective, permitted and inheritable ones, twice
        if (GetRights(header, rights) != 0)
        {
            return false;
        }
        rights[0] &= ~right;
        return SetRights(header, rights) == 0;
    }

    [LibraryImport("libc", EntryPoint = "capget")]
    private static unsafe partial int GetRights(uint* header, uint* rights);

    [LibraryImport("libc", EntryPoint = "capset")]
    private static unsafe partial int SetRights(uint* header, uint* rights);

    private static MemorySource Weights() => new MemorySource().Add("a", DType.Int16, 5000);

    private static void RequireRoot() =>
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.UserName == "root", "only root creates files of another user");

    private void Link(string name, string target)
    {
        File.CreateSymbolicLink(_folder[name], target.StartsWith("..", StringComparison.Ordinal) ? target : _folder[target]);
        Run("chown", "-h", Somebody.ToString(CultureInfo.InvariantCulture), _folder[name]);
    }

    private static string[] Owners(string path) =>
        Run("find", path, "-printf", "%P %m %U:%G\\n")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Order(StringComparer.Ordinal)
            .ToArray();

    private static string Run(string program, params string[] arguments)
    {
        var run = EndedProcess.Run(program, arguments);
        Assert.Equal(0, run.ExitCode);
        return run.Output;
    }
}
