using System.Reflection;
using System.Text;

namespace MemLoad.Tests.Corpus;

/// <summary>Writes docs/rules.md from the rules, the malformed files, and the recorded results of other readers.</summary>
internal static class RulesDocument
{
    private static readonly string[] Groups =
    [
        "Paths and formats",
        "PyTorch's zip archives",
        "Pickles",
        "safetensors and GGUF",
        "Folders, shards and their index",
        "Tensors, models and manifests",
        "Devices and memory",
        "Measuring",
        "Writing and usage",
    ];

    private static readonly string[] Outcomes = ["accepts", "refuses", "runs out of memory", "crashes", "hangs", "runs it"];

    /// <summary>Every rule, by id.</summary>
    public static IReadOnlyList<Rule> AllRules { get; } =
    [
        .. typeof(Rules)
            .GetProperties(BindingFlags.Public | BindingFlags.Static)
            .Select(property => property.GetValue(null))
            .OfType<Rule>()
            .OrderBy(rule => rule.Id, StringComparer.Ordinal),
    ];

    /// <summary>The whole document.</summary>
    /// <param name="peers">The results of other readers.</param>
    public static string Write(PeerRecord peers)
    {
        var text = new StringBuilder();
        text.Append("""
            # Rules

            MemLoad requires these conditions. Each refusal names one rule by its id, the file, the byte offset, the finding and the
            remedy. The meaning of an id never changes. No option relaxes a rule for what is read. `--allow-opaque` leaves out objects that
            a rule would refuse (see Objects below). `memload test` (`Test-Weights`) tests the headers of a checkpoint. With `--deep`
            (`-Deep`) it tests all of the checkpoint.

            This page is generated. After a change of the rules or of the malformed files, `MEMLOAD_UPDATE=1 dotnet test --filter
            RulesDocumentTests` writes it again. With a Python that has PyTorch and safetensors, which `MEMLOAD_PYTHON` can name, it also
            runs these readers again.

            The remedies on this page have the words of the command line. The module has its own words: `-HostMemoryLimit` for
            `--host-memory-limit`, and the same for other options. The exceptions are `-Format` for `--to` and `-HeadCount` for `--heads`.
            `memload convert`, `inspect`, `invoke`, `manifest`, `measure`, `plan`, `runtime` and `test` are `Convert-Weights`,
            `Get-WeightInfo`, `Import-Weights`, `New-WeightManifest`, `Measure-LoadMemory`, `Get-LoadPlan`, `Get-MemLoadRuntime` and
            `Test-Weights`. `--model` is only in the module.

            "Files" counts the malformed files in `tests/MemLoad.Tests/Corpus/` that the rule refuses.

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
        Line($"\n## The malformed files, and what other readers do with them\n\nMeasured: {peers.Versions};");
        Line("`torch.load(path, weights_only=True)` and `safetensors.torch.load_file(path)`, each file in its own process with 2 GiB");
        Line("of memory and 20 seconds; TorchSharp.PyBridge 1.4.4, `PyTorchUnpickler` and `Safetensors.LoadStateDict`, with 2 GiB of");
        Line("managed memory. MemLoad refuses all of these files from their headers. A reader that accepts a file is not always wrong.");
        Line("PyTorch supports sparse tensors, other protocols and deep containers. The table shows where two readers of a file differ,");
        Line("and where a reader does not detect a wrong name, length or byte.");
        Line(
            $"\n| Kind | Files | Reader | {string.Join(" | ", Outcomes)} "
                + $"|\n|---|---|---|{string.Concat(Enumerable.Repeat("---|", Outcomes.Length))}");
        foreach (IGrouping<(string Format, string? Reader), HostileFile> group in HostileFiles.All.GroupBy(file =>
                (file.Format, PeerReaders.ReaderOf(file))))
        {
            if (group.Key.Reader is null)
            {
                Line($"| {group.Key.Format} | {group.Count()} | none | {string.Join(" | ", Outcomes.Select(_ => "–"))} |");
                continue;
            }
            Count(group.Key.Format, group.Key.Reader, group, peers.Outcomes);
            Count(group.Key.Format, "PyBridge", group, peers.Bridge);
        }
        Line("\n## Pickles, construct by construct\n");
        Line("A pickle is a Python program. MemLoad does not run it. MemLoad reads what PyTorch reads, or refuses the file by a rule.");
        Line("Each construct is a file in the tests. The tests also run PyTorch 2.6 (`weights_only=True`) if it is installed. `bench/Fuzz");
        Line("--differential` generates more constructs.");
        Line("\n| Construct | PyTorch | MemLoad |\n|---|---|---|");
        foreach (PickleConstruct construct in PickleConstructs.All)
        {
            Line($"| {Cell(construct.Name)} | {Cell(construct.PyTorch)} | {construct.Rule ?? "reads the same"} |");
        }
        text.Append("""

            ## Objects

            A pickle can contain objects in addition to tensors: instances of classes that MemLoad does not know. Without `--allow-opaque`
            such a file is refused (ML3003, ML3004). With it, unknown classes, functions and their calls are objects without content.
            MemLoad calls none of them. A function that can run a program is also an object, and the verdict names it. Tensors inside
            objects are left out. The column `OpaqueObjects` has the number of objects, and the warning names the first ones.

            PyTorch would run the code of an object. MemLoad assumes that this code changes only what the pickle gives to it, and all that
            is reachable from that. These rules follow:

            - A tensor is refused (ML3012) if an object also holds its storage. An object holds the arguments of its call, its state, its
              items, and all that is reachable from them, at any time while the pickle is read.
            - A list or dict that an object also holds is left out if it has no tensor. If it has one, the tensor is refused.
            - A dict with an object as a key is left out. The class of the object decides which other key it is equal to, so it could
              replace any entry.
            - A call of an allowed function is an object if an object, or a container that an object holds, is among its arguments.
            - The attributes and hooks of a tensor and of a dict count as held, because an object that gets the tensor or the dict reaches
              them.
            - A storage whose class is not known is an object, and another tensor with the same key is refused.
            - A file without a tensor outside objects is refused (ML3004).

            Code that changes PyTorch itself could change any tensor. No reader of a file can exclude that. Convert a file with such code
            with `--allow-opaque`, and load the result.

            """.ReplaceLineEndings("\n"));
        Line(
            "\n## Published attacks\n\nFiles in the tests contain these attacks. MemLoad refuses all of them. The table has the rule and "
                + "the outcome of the other readers.");
        Line("\n| Attack | What it does | Tried as |\n|---|---|---|");
        var byId = HostileFiles.All.ToDictionary(file => file.Id, StringComparer.Ordinal);
        foreach (PublishedAttack attack in PublishedAttacks.All)
        {
            Line(
                $"| {Cell(attack.Name)} | {Cell(attack.What)} | "
                    + $"{string.Join("<br>", attack.Files.Select(id => Cell($"{id}: {byId[id].Rule}{Others(byId[id])}")))} |");
        }
        Line($"\n## One by one\n\n{HostileFiles.All.Count} files in all.\n\n| File | MemLoad refuses by | Other readers |\n|---|---|---|");
        foreach (HostileFile file in HostileFiles.All)
        {
            Line($"| {Cell(file.Id)} | {file.Rule} | {Others(file).TrimStart(' ', ';')} |");
        }
        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');

        void Count(string format, string reader, IEnumerable<HostileFile> group, IReadOnlyDictionary<string, string> outcomes) =>
            Line(
                $"| {format} | {group.Count()} | {reader} | "
                    + string.Join(" | ", Outcomes.Select(outcome => group.Count(file => outcomes.GetValueOrDefault(file.Id) == outcome)))
                    + " |"
            );

        string Others(HostileFile file) =>
            PeerReaders.ReaderOf(file) is not string reader
                ? ""
                : $"; {reader} {peers.Outcomes.GetValueOrDefault(file.Id, "was not asked")}; PyBridge "
                    + $"{peers.Bridge.GetValueOrDefault(file.Id, "was not asked")}";
    }

    private static string Cell(string text) =>
        text.Replace("|", "\\|", StringComparison.Ordinal)
            .Replace("*", "\\*", StringComparison.Ordinal)
            .Replace("__", "\\_\\_", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal);
}
