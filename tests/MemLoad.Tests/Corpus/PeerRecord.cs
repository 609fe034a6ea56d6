namespace MemLoad.Tests.Corpus;

/// <summary>
/// The recorded results of other readers for the malformed files, in peers.tsv. The first line has the versions. There is one line per file
/// with its id, the outcome with PyTorch or safetensors, and the outcome with TorchSharp.PyBridge.
/// </summary>
internal sealed record PeerRecord(string Versions, IReadOnlyDictionary<string, string> Outcomes, IReadOnlyDictionary<string, string> Bridge)
{
    private static string RecordPath => Path.Combine(Repository.Root, "tests", "MemLoad.Tests", "Corpus", "peers.tsv");

    public static PeerRecord Read()
    {
        if (!File.Exists(RecordPath))
        {
            return new PeerRecord("nothing yet", new Dictionary<string, string>(), new Dictionary<string, string>());
        }
        string[] lines = File.ReadAllLines(RecordPath);
        return new PeerRecord(lines[0], Column(1), Column(2));

        Dictionary<string, string> Column(int index) =>
            lines
                .Skip(1)
                .Select(line => line.Split('\t'))
                .Where(fields => fields.Length > index && fields[index].Length > 0)
                .ToDictionary(fields => fields[0], fields => fields[index], StringComparer.Ordinal);
    }

    public void Save() =>
        File.WriteAllLines(
            RecordPath,
            [
                Versions,
                .. HostileFiles
                    .All.Where(file => Outcomes.ContainsKey(file.Id))
                    .Select(file => $"{file.Id}\t{Outcomes[file.Id]}\t{Bridge.GetValueOrDefault(file.Id)}"),
            ]);
}
