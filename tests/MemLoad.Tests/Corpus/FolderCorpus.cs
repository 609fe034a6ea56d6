using static MemLoad.Tests.Corpus.PickleForge;

namespace MemLoad.Tests.Corpus;

/// <summary>Folders with incorrect per-tensor files.</summary>
internal static class FolderCorpus
{
    private static readonly byte[] Bare = ZipForge.Torch(pickle: Whole(Tensor()));

    public static IEnumerable<HostileFile> Files =>
        [
            Folder("an empty folder", "ML5012"),
            Folder("a folder of other files", "ML5012", ("readme.md", "weights"u8.ToArray()), ("a.npy", [1])),
            Folder("hidden files only", "ML5012", (".a.pth", Bare)),
            Folder("a container beside a tensor", "ML5013", ("a.pth", Bare), ("b.pth", ZipForge.Torch())),
            Folder(
                "two tensors in one file",
                "ML5013",
                ("a.pth", Bare),
                ("b.safetensors", Checkpoints.CheckpointKit.SafetensorsOfBytes(("x", 4), ("y", 4)))),
            Folder("no tensor in a file", "ML5013", ("a.pth", Bare), ("b.pth", ZipForge.Torch(pickle: Whole(EmptyDict)))),
            Folder("a number in the place of a tensor", "ML5013", ("a.pth", Bare), ("b.pth", ZipForge.Torch(pickle: Whole(Number(1))))),
            Folder("one name from two files", "ML5014", ("a.pth", Bare), ("a.pt", Bare)),
            Folder("one name from a file name and a header", "ML5014", ("a.pth", Bare), ("b.safetensors", SafetensorsCorpus.Sound)),
            Folder("an empty file among tensors", "ML1003", ("a.pth", Bare), ("b.pth", [])),
            Folder("a file cut off", "ML2001", ("a.pth", Bare), ("b.pth", Bare[..^5])),
            Folder(
                "a git-lfs pointer among tensors",
                "ML1011",
                ("a.pth", Bare),
                ("b.pth", "version https://git-lfs.github.com/spec/v1\n"u8.ToArray())),
            Folder(
                "a program among tensors",
                "ML3010",
                ("a.pth", Bare),
                ("b.pth", ZipForge.Torch(pickle: Whole(Call("os", "system", Text("id")))))),
            Folder("a pickle named as safetensors", "ML1008", ("a.pth", Bare), ("b.safetensors", Bare)),
            Folder("one shard of four", "ML5015", ("model-00001-of-00004.safetensors", SafetensorsCorpus.Sound)),
            Folder("one shard of a million", "ML5015", ("model-000001-of-999999.safetensors", SafetensorsCorpus.Sound)),
            Folder("a part of a model-parallel run", "ML5016", ("model_world_size_8_rank_0.pt", ZipForge.Torch())),
            Folder(
                "a distributed checkpoint whose save was not completed",
                "ML5101",
                ("__0_0.distcp", ZipForge.Torch()),
                ("a.pth", ZipForge.Torch())),
            new(HostileFile.Folder, "a file of a distributed checkpoint", "ML5017", "__0_0.distcp", folder =>
                File.WriteAllBytes(Path.Combine(folder, "__0_0.distcp"), ZipForge.Torch())),
            Folder("text among tensors", "ML1016", ("a.pth", Bare), ("b.bin", "text"u8.ToArray())),
        ];

    private static HostileFile Folder(string name, string rule, params (string Name, byte[] Content)[] files) =>
        new(HostileFile.Folder, name, rule, "", folder =>
        {
            foreach ((string file, byte[] content) in files)
            {
                File.WriteAllBytes(Path.Combine(folder, file), content);
            }
        });
}
