using System.Globalization;
using System.Text;
using MemLoad.Tests.Corpus;

namespace MemLoad.OpenScale;

/// <summary>
/// Opens the worst file of every construct (tests/MemLoad.Tests/Corpus/DenseFiles.cs) in two lengths, and prints the cost per byte.
/// </summary>
internal static class Worst
{
    private const int Small = 1 << 20;
    private const int Large = 8 << 20;
    private const int Runs = 2;

    /// <summary>Prints the table, with the most expensive construct first.</summary>
    /// <param name="parent">The folder in which files are created.</param>
    /// <param name="part">Only constructs whose names contain this.</param>
    public static void Run(string parent, string part)
    {
        string folder = Path.Combine(parent, $"open-worst-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            var rows = new List<(double Nanoseconds, string Line)>();
            IEnumerable<(string Name, Func<string, int, string> Make, Action<string> Open)> all =
            [
                .. DenseFiles.All.Select(file => (file.Key, file.Value, (Action<string>)(path => Checkpoint.Open(path)))),
                .. Others(),
            ];
            foreach ((string name, Func<string, int, string> make, Action<string> open) in all.Where(file =>
                    file.Name.Contains(part, StringComparison.Ordinal)))
            {
                Cost small = Measure(make(folder, Small), open);
                Cost large = Measure(make(folder, Large), open);
                rows.Add(
                    (
                        large.PerByte,
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"| {name} | {large.Outcome} | {small.Milliseconds:0.0} | {large.Milliseconds:0.0} | {small.PerByte:0.0} | "
                                + $"{large.PerByte:0.0} | {large.Allocated:0.0} |")));
                Console.Error.WriteLine(rows[^1].Line);
            }
            Console.WriteLine(
                "| file | outcome | ms for 1 MiB | ms for 8 MiB | ns a byte, 1 MiB | ns a byte, 8 MiB | bytes allocated a byte, 8 MiB |");
            Console.WriteLine("|---|---|---|---|---|---|---|");
            foreach ((_, string line) in rows.OrderByDescending(row => row.Nanoseconds))
            {
                Console.WriteLine(line);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The better of two runs, by the processor's time of all threads.
    private static Cost Measure(string path, Action<string> open)
    {
        long length = new FileInfo(path).Length;
        double best = double.PositiveInfinity;
        long allocated = 0;
        string outcome = "";
        for (int run = 0; run < Runs; run++)
        {
            GC.Collect();
            long before = GC.GetAllocatedBytesForCurrentThread();
            TimeSpan start = Environment.CpuUsage.TotalTime;
            try
            {
                open(path);
                outcome = "opens";
            }
            catch (MemLoadException e)
            {
                outcome = e.Rule.Id;
            }
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - start).TotalMilliseconds);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        return new Cost(outcome, best, best * 1e6 / length, (double)allocated / length);
    }

    // The other files that are read. The length is their number of lines.
    private static IEnumerable<(string Name, Func<string, int, string> Make, Action<string> Open)> Others()
    {
        string hash = new('0', 64);
        yield return (
            "manifest: tensors",
            Lines(
                "x.manifest.json",
                """{"ManifestVersion":1,"WeightsDigest":"x","Tensors":[""",
                ",",
                i => $$"""{"Name":"{{i:x}}","DType":"uint8","Shape":[1],"Bytes":1,"Sha256":"{{hash}}"}""",
                "]}"),
            path => WeightManifest.Read(path));
        yield return (
            "manifest: tensors of 64 dimensions",
            Lines(
                "x.manifest.json",
                """{"ManifestVersion":1,"WeightsDigest":"x","Tensors":[""",
                ",",
                i =>
                    $$"""
                    {"Name":"{{i:x}}","DType":"uint8","Shape":[{{string.Join(',', Enumerable.Repeat(1, 64))}}],"Bytes":1,
                    "Sha256":"{{hash}}"}
                    """,
                "]}"),
            path => WeightManifest.Read(path));
        yield return (
            "rows: CSV",
            Lines("x.csv", "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion\n", "\n", _ => "S,d,o,1,h,t,1", "\n"),
            path => RowFile.Read(path));
        yield return (
            "rows: CSV, escapes",
            Lines(
                "x.csv",
                "Strategy,Device,Outcome,Run,HostName,StartedAt,ModuleVersion,Note\n",
                "\n",
                _ => @"S,d,o,1,h,t,1,\u001b\u001b\u001b\u001b",
                "\n"),
            path => RowFile.Read(path));
        yield return (
            "rows: JSON",
            Lines(
                "x.json",
                "[",
                ",",
                _ => """{"Strategy":"S","Device":"d","Outcome":"o","Run":1,"HostName":"h","StartedAt":"t","ModuleVersion":"1"}""",
                "]"),
            path => RowFile.Read(path));
        yield return (
            "rows: JSON, one row of fields that nobody knows",
            Lines(
                "x.json",
                """[{"Strategy":"S","Device":"d","Outcome":"o","Run":1,"HostName":"h","StartedAt":"t","ModuleVersion":"1",""",
                ",",
                i => $"\"{i:x}\":1",
                "}]"),
            path => RowFile.Read(path));
        yield return (
            "samples: lines of one point",
            Lines(
                "x.jsonl",
                "",
                "\n",
                _ =>
                    """
                    {"TimelineVersion":1,"Strategy":"S","Device":"d","Run":1,"HostName":"h","StartedAt":"t","Phases":[],
                    "Microseconds":[0],"HostBytes":[0],"HostFileBytes":[0],"DeviceBytes":[0],"ForecastHostBytes":[0],
                    "ForecastHostFileBytes":[0],"ForecastDeviceBytes":[0],"Phase":[null]}
                    """.ReplaceLineEndings(""), // a line of a file of samples
                "\n"),
            path => TimelineFile.Read(path));
    }

    private static Func<string, int, string> Lines(string name, string before, string between, Func<int, string> line, string after) =>
        (folder, length) =>
        {
            var text = new StringBuilder(before);
            for (int i = 0; text.Length < length; i++)
            {
                text.Append(i == 0 ? "" : between).Append(line(i));
            }
            string path = Path.Combine(folder, name);
            File.WriteAllText(path, text.Append(after).ToString());
            return path;
        };

    private sealed record Cost(string Outcome, double Milliseconds, double PerByte, double Allocated);
}
