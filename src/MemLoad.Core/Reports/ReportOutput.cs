namespace MemLoad;

/// <summary>Writes the files of a report, and manifests. Each write is atomic.</summary>
internal static class ReportOutput
{
    /// <summary>Writes a whole file with a path from <see cref="WriteTarget.ForFile"/>. If the write is stopped, no file remains.</summary>
    /// <exception cref="MemLoadException">ML9102 to ML9105.</exception>
    public static void Write(string target, ReadOnlySpan<byte> content, bool overwrite, CancellationToken ct)
    {
        using var file = AtomicFile.Create(target, overwrite, content.Length);
        using (var output = new FileAppender(file.Handle, target, content.Length, new WriteSession(null, ct)))
        {
            output.Append(content);
            output.Complete();
        }
        file.Commit();
    }
}
