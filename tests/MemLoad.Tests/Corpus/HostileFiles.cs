namespace MemLoad.Tests.Corpus;

/// <summary>All malformed checkpoints, format by format.</summary>
internal static class HostileFiles
{
    /// <summary>The files are in the order of the lists.</summary>
    public static IReadOnlyList<HostileFile> All { get; } =
    [
        .. AnyCorpus.Files,
        .. ZipCorpus.Files,
        .. PickleCorpus.Files,
        .. LegacyCorpus.Files,
        .. SafetensorsCorpus.Files,
        .. GgufCorpus.Files,
        .. DistributedCorpus.Files,
        .. IndexCorpus.Files,
        .. FolderCorpus.Files,
        .. ManifestCorpus.Files,
    ];
}
