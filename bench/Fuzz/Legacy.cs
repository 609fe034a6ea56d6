namespace MemLoad.Fuzz;

/// <summary>PyTorch's older format: five pickles, and the storages after them.</summary>
internal static class Legacy
{
    private static readonly byte[] Head =
    [
        0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.', 0x80, 2, (byte)'M', 0xe9, 3, (byte)'.',
        0x80, 2, (byte)'}', (byte)'X', 13, 0, 0, 0, .. "little_endian"u8, 0x88, (byte)'s', (byte)'.',
    ];

    /// <summary>Returns the same state dict as in an archive of MemLoad; null if the archive is not simple enough.</summary>
    public static byte[]? FromZip(byte[] zip)
    {
        var model = ZipModel.Parse(zip);
        byte[]? pickle = model?.Records.FirstOrDefault(record => record.Text.EndsWith("/data.pkl", StringComparison.Ordinal))?.Data;
        if (model is null || pickle is null || pickle[1] != 2)
        {
            return null;
        }
        string path = Path.Combine(Path.GetTempPath(), $"memload-fuzz-{Environment.ProcessId}.pt");
        var file = new List<byte>(Head);
        file.AddRange(pickle);
        var storages = model.Records.Where(record => record.Text.Contains("/data/", StringComparison.Ordinal)).ToArray();
        file.AddRange([0x80, 2, (byte)']', (byte)'(']);
        foreach (ZipModel.Record storage in storages)
        {
            string key = storage.Text[(storage.Text.LastIndexOf('/') + 1)..];
            file.AddRange([(byte)'X', (byte)key.Length, 0, 0, 0, .. key.Select(c => (byte)c)]);
        }
        file.AddRange("e."u8.ToArray());
        int elementSizeGuess = 4;
        foreach (ZipModel.Record storage in storages)
        {
            file.AddRange(BitConverter.GetBytes((long)(storage.Data.Length / elementSizeGuess)));
            file.AddRange(storage.Data);
        }
        try
        {
            File.WriteAllBytes(path, [.. file]);
            Checkpoint.Open(path);
            return [.. file];
        }
        catch (MemLoadException)
        {
            return null;
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static byte[] Mutate(byte[] content, IReadOnlyList<byte[]> others, Dice dice)
    {
        int at = 0;
        var pickles = new List<byte[]>();
        for (int i = 0; i < 5 && at < content.Length; i++)
        {
            int start = at;
            PickleOps.Split(content, ref at);
            pickles.Add(content[start..at]);
        }
        byte[] storages = content[at..];
        // In most cases the fourth pickle, which is the state dict.
        int which = dice.Below(3) > 0 ? Math.Min(3, pickles.Count - 1) : dice.Below(pickles.Count + 1);
        if (which < pickles.Count)
        {
            pickles[which] = PickleOps.Mutate(pickles[which], others, dice);
        }
        else
        {
            storages = Bytes.Mutate(storages, storages, dice);
        }
        return [.. pickles.SelectMany(pickle => pickle), .. storages];
    }
}
