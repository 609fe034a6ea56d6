using MemLoad.Tests.Peers;

namespace MemLoad.Tests.Corpus;

public sealed class RulesDocumentTests
{
    private const string Stale = "docs/rules.md is stale: MEMLOAD_UPDATE=1 dotnet test --filter RulesDocumentTests writes it again";

    private static bool Updates => Environment.GetEnvironmentVariable("MEMLOAD_UPDATE") == "1";

    private static string DocumentPath => Path.Combine(RepositoryRoot(), "docs", "rules.md");

    private static string RecordPath => Path.Combine(RepositoryRoot(), "tests", "MemLoad.Tests", "Corpus", "peers.tsv");

    [Fact]
    public void The_document_says_what_the_code_says()
    {
        (string versions, Dictionary<string, string> outcomes) = ReadRecord();
        string text = RulesDocument.Write(versions, outcomes);
        if (Updates)
        {
            File.WriteAllText(DocumentPath, text);
        }
        Assert.True(File.Exists(DocumentPath) && File.ReadAllText(DocumentPath).ReplaceLineEndings("\n") == text, Stale);
    }

    [SkippableFact(DisplayName = "What other readers do with the malformed files is recorded, and none runs anything " + PythonPeer.SafetensorsNeeded)]
    public void What_other_readers_do_is_recorded()
    {
        PythonPeer.SkipWithoutSafetensors();
        Skip.IfNot(OperatingSystem.IsLinux(), "the limits on the readers are Linux's");

        (string versions, IReadOnlyDictionary<string, string> outcomes) = PeerReaders.Run();

        Assert.DoesNotContain("runs it", outcomes.Values);
        if (Updates)
        {
            File.WriteAllText(RecordPath, versions + "\n" + string.Concat(HostileFiles.All.Where(file => outcomes.ContainsKey(file.Id)).Select(file => $"{file.Id}\t{outcomes[file.Id]}\n")));
            File.WriteAllText(DocumentPath, RulesDocument.Write(versions, outcomes));
        }
        (string recorded, Dictionary<string, string> before) = ReadRecord();
        // Other versions may do otherwise; the record is of those that it names.
        if (recorded == versions)
        {
            Assert.Equal(outcomes.Keys.Order(StringComparer.Ordinal), before.Keys.Order(StringComparer.Ordinal));
            Assert.All(outcomes, outcome => Assert.Equal(outcome.Value, before[outcome.Key]));
        }
    }

    [Fact]
    public void Ids_are_unique_and_have_the_digits_of_their_group()
    {
        Assert.All(RulesDocument.AllRules, rule => Assert.Matches("^ML[1-9][0-9]{3}$", rule.Id));
        Assert.Equal(RulesDocument.AllRules.Count, RulesDocument.AllRules.DistinctBy(rule => rule.Id).Count());
        Assert.All(RulesDocument.AllRules, rule => Assert.EndsWith(".", rule.Remedy, StringComparison.Ordinal));
        Assert.All(HostileFiles.All, file => Assert.Contains(RulesDocument.AllRules, rule => rule.Id == file.Rule));
    }

    private static (string Versions, Dictionary<string, string> Outcomes) ReadRecord()
    {
        if (!File.Exists(RecordPath))
        {
            return ("nothing yet", []);
        }
        string[] lines = File.ReadAllLines(RecordPath);
        return (lines[0], lines.Skip(1).Select(line => line.Split('\t')).ToDictionary(fields => fields[0], fields => fields[1], StringComparer.Ordinal));
    }

    private static string RepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "MemLoad.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }
        return folder ?? throw new InvalidOperationException("there is no MemLoad.sln above the tests");
    }
}
