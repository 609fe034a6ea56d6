using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Writing;

/// <summary>
/// After a power failure, the old target or the new target must be complete. The content must be on the disk before the rename, and the
/// name before the writer returns.
/// </summary>
public sealed class DurabilityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // The requests for files in the folder, in their order. Other tests write at the same time.
    private readonly List<string> _requests = [];
    private readonly Action<SafeFileHandle> _flushFile = DiskRequests.FlushFile;
    private readonly Func<int, int> _syncFolder = DiskRequests.SyncFolder;
    private Func<bool> _isNew = () => false;

    public DurabilityTests()
    {
        DiskRequests.FlushFile = file =>
        {
            _flushFile(file);
            Note("file", (int)file.DangerousGetHandle());
        };
        DiskRequests.SyncFolder = folder =>
        {
            int result = _syncFolder(folder);
            Note(result == 0 ? "folder" : "failure", folder);
            return result;
        };
    }

    public void Dispose()
    {
        DiskRequests.FlushFile = _flushFile;
        DiskRequests.SyncFolder = _syncFolder;
        _folder.Dispose();
    }

    [SkippableTheory]
    [InlineData(CheckpointFormat.TorchZip, false)]
    [InlineData(CheckpointFormat.TorchZip, true)]
    [InlineData(CheckpointFormat.Safetensors, false)]
    [InlineData(CheckpointFormat.Safetensors, true)]
    public void A_checkpoint_is_on_the_disk_before_it_has_its_name(CheckpointFormat format, bool overwrite)
    {
        RequireLinux();
        string target = Begin("x", overwrite, path => CheckpointWriter.Write(Weights(2), path, format));

        CheckpointWriter.Write(Weights(3000), target, format, overwrite);

        Assert.Equal(["file of 6000 bytes, old", "folder, new"], _requests.Select(request => RoundedTo(6000, request)));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_folder_and_its_files_are_on_the_disk_before_it_has_its_name(bool overwrite)
    {
        RequireLinux();
        string target = Begin("x", overwrite, path => CheckpointWriter.Write(Weights(2), path, CheckpointFormat.PerTensor));
        _isNew = () => File.Exists(Path.Combine(target, "b.pt"));

        CheckpointWriter.Write(Weights(3000).Add("b", DType.Int16, 3000), target, CheckpointFormat.PerTensor, overwrite);

        Assert.Equal(
            ["file of 6000 bytes, old", "file of 6000 bytes, old", "temporary folder, old", "folder, new"],
            _requests.Select(request => RoundedTo(6000, request)));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_manifest_is_on_the_disk_before_it_has_its_name(bool overwrite)
    {
        RequireLinux();
        CheckpointWriter.Write(Weights(5), _folder["x.pth"], CheckpointFormat.TorchZip);
        string target = Begin("m.json", overwrite, path => File.WriteAllText(path, "old"));

        ManifestWriter.Write(Checkpoint.Open(_folder["x.pth"]), target, overwrite);

        Assert.Equal([$"file of {new FileInfo(target).Length} bytes, old", "folder, new"], _requests);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_report_is_on_the_disk_before_it_has_its_name(bool overwrite)
    {
        RequireLinux();
        string target = Begin("report.html", overwrite, path => File.WriteAllText(path, "old"));

        AtomicFile.Write(target, new byte[1234], overwrite, default);

        Assert.Equal(["file of 1234 bytes, old", "folder, new"], _requests);
    }

    private static void RequireLinux() => Skip.IfNot(OperatingSystem.IsLinux(), "only Linux reports the file of a descriptor");

    private static MemorySource Weights(int elements) => new MemorySource().Add("a", DType.Int16, elements);

    // Creates an old target if the test needs one, and removes its requests from the list.
    private string Begin(string name, bool overwrite, Action<string> writeOld)
    {
        string target = _folder[name];
        if (overwrite)
        {
            writeOld(target);
        }
        long old = overwrite && File.Exists(target) ? new FileInfo(target).Length : -1;
        _isNew = () => File.Exists(target) && new FileInfo(target).Length != old;
        lock (_requests)
        {
            _requests.Clear();
        }
        return target;
    }

    // Checkpoints also have headers. The length is at least the given bytes, and less than one and a half times these.
    private static string RoundedTo(int bytes, string request)
    {
        bool isNear = request.Split(' ') is ["file", "of", string length, ..]
            && int.Parse(length, CultureInfo.InvariantCulture) is int actual && actual >= bytes && actual < 1.5 * bytes;
        return isNear ? FormattableString.Invariant($"file of {bytes} bytes, {request.Split(' ')[^1]}") : request;
    }

    [SkippableTheory]
    [InlineData(1)]
    [InlineData(40)]
    public void A_file_of_a_folder_that_cannot_be_flushed_leaves_no_folder(int failing)
    {
        RequireLinux();
        int flushed = 0;
        Action<SafeFileHandle> flush = DiskRequests.FlushFile;
        DiskRequests.FlushFile = file =>
        {
            string path = new FileInfo(FormattableString.Invariant($"/proc/self/fd/{(int)file.DangerousGetHandle()}")).LinkTarget!;
            if (path.StartsWith(_folder.Path, StringComparison.Ordinal) && Interlocked.Increment(ref flushed) == failing)
            {
                throw new IOException("the disk has failed");
            }
            flush(file);
        };
        MemorySource weights = Weights(100);
        for (int i = 0; i < 60; i++)
        {
            weights.Add(FormattableString.Invariant($"t{i}"), DType.Int16, 100);
        }

        MemLoadException e = Assert.Throws<MemLoadException>(() =>
            CheckpointWriter.Write(weights, _folder["x"], CheckpointFormat.PerTensor));

        Assert.Equal("ML9105", e.Rule.Id);
        Assert.Empty(_folder.Names);
    }

    private void Note(string kind, int descriptor)
    {
        string path = new FileInfo(FormattableString.Invariant($"/proc/self/fd/{descriptor}")).LinkTarget!;
        if (path == _folder.Path || path.StartsWith(_folder.Path + "/", StringComparison.Ordinal))
        {
            string what = kind == "file" ? FormattableString.Invariant($"file of {new FileInfo(path).Length} bytes")
                : path == _folder.Path ? kind : "temporary " + kind;
            lock (_requests)
            {
                _requests.Add($"{what}, {(_isNew() ? "new" : "old")}");
            }
        }
    }
}
