namespace MemLoad;

/// <summary>Writes a report's files, each whole or not at all.</summary>
internal static class ReportOutput
{
    /// <param name="target">Path from <see cref="WriteTarget.ForFile"/>.</param>
    /// <param name="content">All of it.</param>
    /// <param name="overwrite">Whether a file of that name is replaced.</param>
    /// <param name="ct">Stops it; nothing is left behind.</param>
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
