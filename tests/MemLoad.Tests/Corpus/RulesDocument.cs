using System.Reflection;
using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>Writes docs/rules.md from the rules, the malformed files, and what was recorded of other readers.</summary>
internal static class RulesDocument
{
    private static readonly string[] Groups =
    [
        "Paths and formats", "PyTorch's zip archives", "Pickles", "safetensors and GGUF", "Folders, shards and their index", "Tensors, models and manifests", "Devices and memory", "Measuring", "Writing and usage",
    ];

    private static readonly string[] Outcomes = ["accepts", "refuses", "runs out of memory", "crashes", "hangs", "runs it"];

    /// <summary>Every rule, by id.</summary>
    public static IReadOnlyList<Rule> AllRules { get; } =
    [
        .. typeof(Rules).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)).OfType<Rule>().OrderBy(rule => rule.Id, StringComparer.Ordinal),
    ];

    /// <summary>The whole document.</summary>
    /// <param name="peers">What other readers did.</param>
    public static string Write(PeerRecord peers)
    {
        var text = new StringBuilder();
        text.Append("""
            # Rules

            What MemLoad insists on. Each refusal names one of these rules by its id, the file and the byte where it shows, what was found, and what to do.
            Ids never change their meaning. There is no switch that makes a rule laxer. `memload test` (`Test-Weights`) tests the headers of a checkpoint, with
            `--deep` (`-Deep`) all of it.

            This page is generated: after a change of rules or of the malformed files, `MEMLOAD_UPDATE=1 dotnet test --filter RulesDocumentTests` writes it again
            (with a Python that has PyTorch and safetensors, which `MEMLOAD_PYTHON` may name, it also asks those again).

            Remedies are given here in the words of the command line. The module says the same in its own: `-HostMemoryLimit` for `--host-memory-limit`, and so
            for every option; only `--to` is `-Format` and `--heads` is `-HeadCount`. `memload convert`, `inspect`, `invoke`, `measure`, `plan`, `runtime` and
            `test` are `Convert-Weights`, `Get-WeightInfo`, `Import-Weights`, `Measure-LoadMemory`, `Get-LoadPlan`, `Get-MemLoadRuntime` and `Test-Weights`.

            "Files" counts the hand-made malformed files in `tests/MemLoad.Tests/Corpus/` that are refused by the rule.

            """.ReplaceLineEndings("\n"));
        ILookup<string, HostileFile> byRule = HostileFiles.All.ToLookup(file => file.Rule);
        foreach (IGrouping<int, Rule> group in AllRules.GroupBy(rule => rule.Id[2] - '1'))
        {
            Line($"\n## {Groups[group.Key]}\n\n| Id | What must hold | What to do if not | Files |\n|---|---|---|---|");
            foreach (Rule rule in group)
            {
                int files = byRule[rule.Id].Count();
                Line($"| {rule.Id} | {Cell(rule.Title)} | {Cell(rule.Remedy.ToString())} | {(files == 0 ? "" : files)} |");
            }
        }
        Line($"\n## The malformed files, and what other readers do with them\n\nMeasured: {peers.Versions}; `torch.load(path, weights_only=True)` and");
        Line("`safetensors.torch.load_file(path)`, each file in a process of its own with 2 GiB to spend and 20 seconds; TorchSharp.PyBridge 1.4.4, `PyTorchUnpickler`");
        Line("and `Safetensors.LoadStateDict`, with 2 GiB of managed memory. MemLoad refuses all of them from their headers.");
        Line("To accept is not always wrong: PyTorch reads sparse tensors, other protocols and deep containers because it means to. What it shows is where two readers");
        Line("of one file differ, and where a name, a length or a byte that lies goes unnoticed.");
        Line($"\n| Kind | Files | Reader | {string.Join(" | ", Outcomes)} |\n|---|---|---|{string.Concat(Enumerable.Repeat("---|", Outcomes.Length))}");
        foreach (IGrouping<(string Format, string? Reader), HostileFile> group in HostileFiles.All.GroupBy(file => (file.Format, PeerReaders.ReaderOf(file))))
        {
            if (group.Key.Reader is null)
            {
                Line($"| {group.Key.Format} | {group.Count()} | none | {string.Join(" | ", Outcomes.Select(_ => "–"))} |");
                continue;
            }
            Count(group.Key.Format, group.Key.Reader, group, peers.Outcomes);
            Count(group.Key.Format, "PyBridge", group, peers.Bridge);
        }
        Line("\n## Pickles, construct by construct\n\nA pickle is a program of Python's. MemLoad does not run it, and reads of it what PyTorch reads, or refuses it by a rule. Each of these is a file in");
        Line("the tests, which ask PyTorch 2.6 (`weights_only=True`) as well where there is one; `bench/Fuzz --differential` tries what nobody thought of.");
        Line("\n| Construct | PyTorch | MemLoad |\n|---|---|---|");
        foreach (PickleConstruct construct in PickleConstructs.All)
        {
            Line($"| {Cell(construct.Name)} | {Cell(construct.PyTorch)} | {construct.Rule ?? "reads the same"} |");
        }
        Line("\n## Published attacks\n\nEach was tried as files. MemLoad refuses all of them, by the rules named; beside them what the other readers do today.");
        Line("\n| Attack | What it does | Tried as |\n|---|---|---|");
        var byId = HostileFiles.All.ToDictionary(file => file.Id, StringComparer.Ordinal);
        foreach (PublishedAttack attack in PublishedAttacks.All)
        {
            Line($"| {Cell(attack.Name)} | {Cell(attack.What)} | {string.Join("<br>", attack.Files.Select(id => Cell($"{id}: {byId[id].Rule}{Others(byId[id])}")))} |");
        }
        Line($"\n## One by one\n\n{HostileFiles.All.Count} files in all.\n\n| File | MemLoad refuses by | Other readers |\n|---|---|---|");
        foreach (HostileFile file in HostileFiles.All)
        {
            Line($"| {Cell(file.Id)} | {file.Rule} | {Others(file).TrimStart(' ', ';')} |");
        }
        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');

        void Count(string format, string reader, IEnumerable<HostileFile> group, IReadOnlyDictionary<string, string> outcomes) =>
            Line($"| {format} | {group.Count()} | {reader} | {string.Join(" | ", Outcomes.Select(outcome => group.Count(file => outcomes.GetValueOrDefault(file.Id) == outcome)))} |");

        string Others(HostileFile file) => PeerReaders.ReaderOf(file) is not string reader ? ""
            : $"; {reader} {peers.Outcomes.GetValueOrDefault(file.Id, "was not asked")}; PyBridge {peers.Bridge.GetValueOrDefault(file.Id, "was not asked")}";
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal).Replace("__", "\\_\\_", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal);
}
