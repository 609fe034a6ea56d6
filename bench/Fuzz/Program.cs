using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MemLoad;
using MemLoad.Fuzz;

if (args.Length == 0 || args.Contains("--help"))
{
    Console.Error.WriteLine("""
        Mutates sound checkpoints of every format and watches what opening them does. Inputs are numbered: a seed and an index give the
        same one each time.
          --count N          how many inputs (the formats take turns)
          --seed S           another series of them (1)
          --from I           the first index (0)
          --threads T        how many at a time (all processors)
          --formats A,B      Zip, Legacy, Safetensors, Index, Folder, Gguf, Distributed (all)
          --deep-every K     of the inputs that open, load, digest and test every Kth (8; 0 for none)
          --scratch FOLDER   where inputs are written (/dev/shm where there is one)
          --index N --out F  write the input of this index into the folder F, open it and say what happens
          --again FILE       examine the indices in a file again, one a line, and say which are findings
          --dump F           write inputs into the folder F for bench/peers/fuzz.py, with what we make of each
          --differential P   random pickles instead, each also read by PyTorch: P is a Python that has it, such as python3
          --show TEXT        of these, list the inputs whose outcome contains the text
        """);
    return 2;
}
ulong Number(string name, ulong otherwise) => Text(name) is string text ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;
string? Text(string name) => Array.IndexOf(args, name) is int at and >= 0 ? args[at + 1] : null;

ulong seed = Number("--seed", 1);
FuzzFormat[] formats = Text("--formats") is string list
    ? [.. list.Split(',').Select(name => Enum.Parse<FuzzFormat>(name, ignoreCase: true))]
    : Enum.GetValues<FuzzFormat>();
string scratch = Text("--scratch") ?? Examiner.DefaultScratch;
var campaign = new Campaign(seed, formats, scratch, (int)Number("--deep-every", 8));
ulong from = Number("--from", 0);
if (Text("--differential") is string python)
{
    return Differ(python, from, Number("--count", 10_000));
}

if (Text("--out") is string output)
{
    ulong index = Number("--index", 0);
    FuzzInput input = Mutator.Make(campaign.FormatOf(index), seed, index);
    Directory.CreateDirectory(output);
    Console.WriteLine(input.WriteTo(output));
    using var examiner = new Examiner(scratch);
    Console.WriteLine(examiner.Examine(input, deep: true));
    return 0;
}
if (Text("--again") is string again)
{
    using var examiner = new Examiner(scratch);
    ulong[] indices = [.. File.ReadLines(again).Select(line => ulong.Parse(line, CultureInfo.InvariantCulture))];
    int findings = 0;
    foreach (ulong index in indices)
    {
        FuzzFormat format = campaign.FormatOf(index);
        if (examiner.Examine(Mutator.Make(format, seed, index), deep: true).Finding is string finding)
        {
            findings++;
            Console.WriteLine($"FOUND\t{format}\tseed {seed}\tindex {index}\t{finding.ReplaceLineEndings(" ")}");
        }
    }
    Console.WriteLine($"seed {seed}: {indices.Length} inputs again; {findings} findings");
    return findings == 0 ? 0 : 1;
}
if (Text("--dump") is string dump)
{
    Dump(dump, from, Number("--count", 1000));
    return 0;
}

ulong count = Number("--count", 100_000);
int threads = (int)Number("--threads", (ulong)Environment.ProcessorCount);
var clock = Stopwatch.StartNew();
var running = Task.Run(() => campaign.Run(from, from + count, threads));
int shown = 0;
while (!running.Wait(TimeSpan.FromSeconds(10)))
{
    Console.Error.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{campaign.Done:n0} of {count:n0}, {campaign.Done / clock.Elapsed.TotalSeconds:n0} a second, "
                + $"{campaign.Findings.Count} findings"));
    foreach ((FuzzFormat format, ulong index, long since) in campaign.Current.Where(current =>
            current.Since > 0 && Environment.TickCount64 - current.Since > 20_000))
    {
        Console.WriteLine(
            $"HANGS\t{format}\tseed {seed}\tindex {index}\t{Environment.TickCount64 - since} ms\tprocessor {Environment.CpuUsage.TotalTime}"
        );
    }
    ShowFindings();
}
ShowFindings();
Console.WriteLine(
    string.Create(
        CultureInfo.InvariantCulture,
        $"seed {seed}, indices {from} to {from + count - 1}: {campaign.Done} inputs in {clock.Elapsed.TotalSeconds:0} s on {threads} "
            + $"threads, {campaign.Done / clock.Elapsed.TotalSeconds:0} a second; {campaign.Findings.Count} findings"));
foreach (FuzzFormat format in formats)
{
    var rows = campaign.Counts.Where(row => row.Key.Format == format).OrderByDescending(row => row.Value).ToArray();
    Console.WriteLine($"{format}\t{rows.Sum(row => row.Value)}\t{string.Join(' ', rows.Select(row => $"{row.Key.Outcome}:{row.Value}"))}");
}
return campaign.Findings.IsEmpty ? 0 : 1;

void ShowFindings()
{
    foreach ((FuzzFormat format, ulong index, string finding) in campaign.Findings.Skip(shown).Take(50))
    {
        Console.WriteLine($"FOUND\t{format}\tseed {seed}\tindex {index}\t{finding.ReplaceLineEndings(" ")}");
        shown++;
    }
}

// Compares MemLoad with PyTorch, or shows one input and the results of both.
int Differ(string command, ulong first, ulong inputs)
{
    var differential = new Differential(seed, scratch, command) { Watched = Text("--show") };
    if (Text("--out") is string folder)
    {
        ulong index = Number("--index", 0);
        (string name, byte[] content) = Differential.Make(seed, index);
        Directory.CreateDirectory(folder);
        Console.WriteLine(differential.Explain(content, Path.Combine(folder, $"{index}-{name}")));
        return 0;
    }
    int workers = (int)Number("--threads", (ulong)Environment.ProcessorCount);
    var watch = Stopwatch.StartNew();
    var comparing = Task.Run(() => differential.Run(first, first + inputs, workers));
    while (!comparing.Wait(TimeSpan.FromSeconds(10)))
    {
        Console.Error.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{differential.Done:n0} of {inputs:n0}, {differential.Done / watch.Elapsed.TotalSeconds:n0} a second, "
                    + $"{differential.Findings.Count} read differently"));
    }
    foreach ((ulong index, string what) in differential.Findings)
    {
        Console.WriteLine($"DIFFERS\tseed {seed}\tindex {index}\t{what}");
    }
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"seed {seed}, indices {first} to {first + inputs - 1}, PyTorch {differential.Version}: {differential.Done} inputs in "
                + $"{watch.Elapsed.TotalSeconds:0} s on {workers} threads; {differential.Tensors} tensors that both read; "
                + $"{differential.Findings.Count} read differently"));
    foreach ((string outcome, long times) in differential.Counts.OrderByDescending(row => row.Value))
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{times}\t{100.0 * times / differential.Done:0.00} %\t{outcome}"));
    }
    return differential.Findings.IsEmpty ? 0 : 1;
}

// Writes one folder per input, and one line of JSON. The line has the opened path and its tensors in MemLoad, or the rule that refused it.
void Dump(string folder, ulong first, ulong inputs)
{
    Directory.CreateDirectory(folder);
    using var lines = new StreamWriter(Path.Combine(folder, "inputs.jsonl"), append: false, new UTF8Encoding(false));
    for (ulong index = first; index < first + inputs; index++)
    {
        FuzzInput input = Mutator.Make(campaign.FormatOf(index), seed, index);
        if (input.Open is null || input.Format is FuzzFormat.Index or FuzzFormat.Gguf)
        {
            continue; // the two readers read single files
        }
        string path = Path.Combine(folder, $"{index}{Path.GetExtension(input.Open)}");
        File.WriteAllBytes(path, input.Files[0].Content);
        string? rule = null;
        string[] tensors = [];
        try
        {
            var checkpoint = Checkpoint.Open(path);
            if (!Examiner.IsSmall(checkpoint))
            {
                File.Delete(path);
                continue;
            }
            tensors = [.. Examiner.Lines(checkpoint)];
        }
        catch (MemLoadException e)
        {
            rule = e.Rule.Id;
        }
        lines.WriteLine(
            JsonSerializer.Serialize(
                new
                {
                    index,
                    format = input.Format.ToString(),
                    file = Path.GetFileName(path),
                    rule,
                    tensors,
                }));
    }
}
