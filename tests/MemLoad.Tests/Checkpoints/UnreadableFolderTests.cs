using System.Runtime.InteropServices;

namespace MemLoad.Tests.Checkpoints;

/// <summary>Folders that the user may not list, because they belong to another user.</summary>
public sealed partial class UnreadableFolderTests : IDisposable
{
    private const int Nobody = 65534;
    private const int ForAll = 0b111_101_101; // rwxr-xr-x

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("manifests/registry/library/llama3", "manifests/registry/library/llama3")]
    [InlineData("models--org--name", "models--org--name/snapshots")]
    [InlineData("plain", "plain")]
    public void A_folder_that_cannot_be_listed_is_refused_by_its_path(string opened, string closed)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems have no user of a thread");
        Directory.CreateDirectory(_folder["blobs"]);
        Directory.CreateDirectory(_folder["models--org--name/snapshots/0123456789"]);
        Directory.CreateDirectory(_folder[closed]);

        MemLoadException refusal = Assert.Throws<MemLoadException>(() => OpenAsNobody(opened, closed));

        Assert.Equal(("ML1002", _folder[closed]), (refusal.Rule.Id, refusal.Path));
    }

    [SkippableFact]
    public void A_model_of_the_hub_opens_though_its_blobs_cannot_be_listed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "other systems have no user of a thread");
        Directory.CreateDirectory(_folder["models--org--name/snapshots/0123456789"]);
        Directory.CreateDirectory(_folder["models--org--name/blobs"]);
        _folder.Write("models--org--name/snapshots/0123456789/model.safetensors", CheckpointKit.SafetensorsOfBytes(("x", 3)));

        Assert.Single(OpenAsNobody("models--org--name", "models--org--name/blobs").Tensors);
    }

    // The system keeps the user that files are opened for per thread.
    private Checkpoint OpenAsNobody(string opened, string closed)
    {
        _ = ChangeMode(_folder.Path, ForAll);
        _ = ChangeMode(_folder[closed], 0);
        Checkpoint? checkpoint = null;
        Exception? failure = null;
        var opener = new Thread(() =>
        {
            _ = SetFileUser(Nobody);
            failure = Record.Exception(() => { checkpoint = Checkpoint.Open(_folder[opened]); });
        });
        opener.Start();
        opener.Join();
        _ = ChangeMode(_folder[closed], ForAll);
        return failure is null ? checkpoint! : throw failure;
    }

    [LibraryImport("libc", EntryPoint = "chmod", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeMode(string path, int mode);

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileUser(int user);
}
