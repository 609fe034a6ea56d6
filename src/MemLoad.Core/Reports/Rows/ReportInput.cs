namespace MemLoad;

/// <summary>Reads the input files of reports.</summary>
internal static class ReportInput
{
    public const long LargestFile = 100_000_000;

    /// <summary>Returns the bytes of a file, without a UTF-8 byte-order mark, and the absolute path of the file.</summary>
    /// <exception cref="MemLoadException">ML1001 to ML1010, ML1003 for an empty one, ML8105.</exception>
    public static byte[] Read(string path, out string full)
    {
        full = FullPath.Of(path);
        using CheckpointFileReader file = CheckpointFileReader.Open(full);
        byte[] text = file.Length switch
        {
            0 => throw Rules.FileEmpty.Broken("the file has no bytes", full, remedy: Rules.RowsNone.Remedy),
            > LargestFile => throw Rules.ReportInputTooLarge.Broken($"the file has {file.Length} bytes", full),
            _ => file.ReadBytes(0, file.Length),
        };
        return text.AsSpan().StartsWith("\uFEFF"u8) ? text[3..] : text;
    }
}
