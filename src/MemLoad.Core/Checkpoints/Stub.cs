#pragma warning disable CA1801
namespace MemLoad;
internal static class FolderReader { public static Checkpoint Read(string folder, CancellationToken ct) => throw new NotSupportedException(); }
internal static class ShardIndexReader { public static Checkpoint Read(string folder, CancellationToken ct) => throw new NotSupportedException(); }
internal static class SafetensorsReader { public static Checkpoint Read(string folder, CancellationToken ct) => throw new NotSupportedException(); }
