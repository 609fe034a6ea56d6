using System.Globalization;
using MemLoad.Tests.Peers;

namespace MemLoad.Tests.Corpus;

public sealed class RulesDocumentTests
{
    private const string Stale = "docs/rules.md is stale: MEMLOAD_UPDATE=1 dotnet test --filter RulesDocumentTests writes it again";

    private static bool Updates => Environment.GetEnvironmentVariable("MEMLOAD_UPDATE") == "1";

    private static string DocumentPath => Path.Combine(Repository.Root, "docs", "rules.md");

    [Fact]
    public void The_document_says_what_the_code_says()
    {
        string text = RulesDocument.Write(PeerRecord.Read());
        if (Updates)
        {
            File.WriteAllText(DocumentPath, text);
        }
        Assert.True(File.Exists(DocumentPath) && File.ReadAllText(DocumentPath).ReplaceLineEndings("\n") == text, Stale);
    }

    [Theory]
    [InlineData("README.md", "include {0} malformed files", "PyTorch 2.6 accepts {0} of {1}", "safetensors 0.4.5 accepts {0} of {1}",
        "PyBridge 1.4.4 accepts {0} of {1}")]
    [InlineData("README.ja.md", "{0} 個の不正なファイル", "PyTorch 2.6 の `torch.load(weights_only=True)` は、これらのうち {1} 個中 {0} 個",
        "safetensors 0.4.5 は {1} 個中 {0} 個", "PyBridge 1.4.4 は {1} 個中 {0} 個")]
    public void The_README_states_the_counts_of_the_tests(string document, string files, string torch, string safetensors, string bridge)
    {
        PeerRecord peers = PeerRecord.Read();
        string text = string.Join(' ', File.ReadAllLines(Path.Combine(Repository.Root, document)));
        Holds(files, HostileFiles.All.Count);
        Holds(torch, Of("PyTorch", peers.Outcomes));
        Holds(safetensors, Of("safetensors", peers.Outcomes));
        Holds(bridge, Of(null, peers.Bridge));

        void Holds(string sentence, params object[] counts) =>
            Assert.Contains(string.Format(CultureInfo.InvariantCulture, sentence, counts), text, StringComparison.Ordinal);

        static object[] Of(string? reader, IReadOnlyDictionary<string, string> outcomes)
        {
            // A reader that was not available when a file was added has no outcome for the file.
            string[] asked =
            [
                .. HostileFiles.All.Where(file => PeerReaders.ReaderOf(file) is string its && (reader ?? its) == its)
                    .Select(file => outcomes.GetValueOrDefault(file.Id, "")).Where(outcome => outcome.Length > 0),
            ];
            return [asked.Count(outcome => outcome == "accepts"), asked.Length];
        }
    }

    [NeedsFact(typeof(PythonPeer), DisplayName = "What other readers do with the malformed files is recorded, and none runs code")]
    public void What_other_readers_do_is_recorded()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "the limits on the readers are Linux's");

        (string versions, IReadOnlyDictionary<string, string> outcomes) = PeerReaders.Run();

        Assert.DoesNotContain("runs it", outcomes.Values);
        PeerRecord record = PeerRecord.Read();
        if (Updates)
        {
            record = record with { Versions = versions, Outcomes = outcomes };
            Keep(record);
        }
        // Other versions can have other results. The record is of the versions that it names.
        if (record.Versions == versions)
        {
            Same(outcomes, record.Outcomes);
        }
    }

    [NeedsFact(typeof(BridgeReader), DisplayName = "What TorchSharp.PyBridge does with the malformed files is recorded")]
    public void What_PyBridge_does_is_recorded()
    {
        Dictionary<string, string> outcomes = BridgeReader.Run();

        PeerRecord record = PeerRecord.Read();
        if (Updates)
        {
            record = record with { Bridge = outcomes };
            Keep(record);
        }
        Same(outcomes, record.Bridge);
    }

    [Fact]
    public void Ids_are_unique_and_have_the_digits_of_their_group()
    {
        Assert.All(RulesDocument.AllRules, rule => Assert.Matches("^ML[1-9][0-9]{3}$", rule.Id));
        Assert.Equal(RulesDocument.AllRules.Count, RulesDocument.AllRules.DistinctBy(rule => rule.Id).Count());
        Assert.All(RulesDocument.AllRules, rule => Assert.EndsWith(".", rule.Remedy.ToString(), StringComparison.Ordinal));
        Assert.All(PublishedAttacks.All.SelectMany(attack => attack.Files), id => Assert.Contains(HostileFiles.All, file => file.Id == id));
        Assert.All(HostileFiles.All, file => Assert.Contains(RulesDocument.AllRules, rule => rule.Id == file.Rule));
    }

    private static void Keep(PeerRecord record)
    {
        record.Save();
        File.WriteAllText(DocumentPath, RulesDocument.Write(record));
    }

    private static void Same(IReadOnlyDictionary<string, string> found, IReadOnlyDictionary<string, string> recorded)
    {
        Assert.Equal(found.Keys.Order(StringComparer.Ordinal), recorded.Keys.Order(StringComparer.Ordinal));
        Assert.All(found, outcome => Assert.Equal(outcome.Value, recorded[outcome.Key]));
    }
}
