using System.Buffers;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace MemLoad;

/// <summary>
/// Timelines as JSON lines, one per load: the fields that name its row, the phases, and one list per figure. All lists have the same
/// length. The files come from other computers, so they are not trusted, as weights are not.
/// </summary>
public static class TimelineFile
{
    private static readonly JsonRules TextRules = new(Rules.TimelineSyntax, Rules.TimelineSyntax, Rules.TimelineSyntax, Rules.TimelineForm);
    private static readonly JsonWriterOptions Text = new() { Encoder = PrintableJson.Encoder };

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan RetryLimit = TimeSpan.FromMinutes(1);

    private static readonly string[] Fields =
    [
        "TimelineVersion", "Strategy", "Device", "Run", "HostName", "StartedAt", "Phases", "Microseconds", "HostBytes", "HostFileBytes",
        "DeviceBytes", "ForecastHostBytes", "ForecastHostFileBytes", "ForecastDeviceBytes", "Phase",
    ];

    // A hundred times the number that MemLoad writes. More items would need many times the memory of the file.
    private const int MostItems = 100_000;
    private const int FirstFigure = 7;
    private const int TailBytes = 64 << 10;
    private const int Figures = 8;

    /// <summary>Reads a file of timelines.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="MemLoadException">ML1001 to ML1010 for the file, ML8105, ML8111 to ML8113 for its content, with the byte
    /// position.</exception>
    public static IReadOnlyList<LoadTimeline> Read(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return [.. Lines(ReportInput.Read(path, out string full), full, cancellationToken)];
    }

    /// <summary>
    /// Checks before a measurement that timelines can be appended to a file. The file has timelines and is writable, or it does not exist
    /// and can be created.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the wait for another writer, and the reading.</param>
    /// <exception cref="MemLoadException">ML9103, ML1010, or ML8111 to ML8113: the file has other content and is not changed.</exception>
    public static void RequireAppendable(string path, CancellationToken cancellationToken = default)
    {
        string target = WriteTarget.ForFile(path, overwrite: true);
        if (!File.Exists(target))
        {
            WriteTarget.RequireWritable(target);
            return;
        }
        FileKind.MustBeRegular(target);
        try
        {
            using FileStream file = OpenAlone(target, cancellationToken);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, 0, whileOpening: true);
        }
        if (new FileInfo(target).Length > 0)
        {
            _ = Read(target, cancellationToken);
        }
    }

    /// <summary>
    /// Appends timelines to a file. If an error occurs, the file stays as it was. Writers lock the file, so no writer loses the lines of
    /// another.
    /// </summary>
    /// <param name="path">The file. It is created if it does not exist.</param>
    /// <param name="timelines">The timelines to append.</param>
    /// <param name="cancellationToken">Stops the wait for the lock. The file then stays as it was.</param>
    /// <exception cref="MemLoadException">ML8111 to ML8113: the last line is not a line of samples; ML1010, or ML9103 to
    /// ML9105.</exception>
    public static void Append(string path, IReadOnlyList<LoadTimeline> timelines, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(timelines);
        string target = WriteTarget.ForFile(path, overwrite: true);
        FileKind.MustBeRegular(target);
        FileSizeLimit.IsError();
        long needed = 0;
        try
        {
            using FileStream file = OpenAlone(target, cancellationToken);
            long end = file.Length;
            var text = new ArrayBufferWriter<byte>();
            if (end > 0 && !EndsWithLine(file, target))
            {
                text.Write("\n"u8);
            }
            foreach (LoadTimeline timeline in timelines)
            {
                text.Write(Format(timeline).Span);
            }
            needed = text.WrittenCount;
            try
            {
                RandomAccess.Write(file.SafeFileHandle, text.WrittenSpan, end);
                file.Flush(flushToDisk: true);
            }
            catch
            {
                file.SetLength(end); // a partial line would damage the file
                throw;
            }
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, needed);
        }
    }

    // Other writers, in this process or another, hold the lock only for a short time.
    private static FileStream OpenAlone(string target, CancellationToken cancellationToken)
    {
        for (long start = Environment.TickCount64; ; cancellationToken.WaitHandle.WaitOne(RetryInterval))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(target, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException e) when (WriteFailures.IsHeld(e) && Environment.TickCount64 - start < RetryLimit.TotalMilliseconds)
            {
            }
        }
    }

    // Reads only the last line, so that the cost does not depend on the length of the file. It must be a line of samples.
    private static bool EndsWithLine(FileStream file, string target)
    {
        byte[] tail;
        int line;
        long bytes = TailBytes;
        do
        {
            tail = new byte[Math.Min(bytes, file.Length)];
            file.Position = file.Length - tail.Length;
            file.ReadExactly(tail);
            line = tail.AsSpan().TrimEnd(" \t\r\n"u8).LastIndexOf((byte)'\n') + 1;
            bytes *= 2;
        }
        while (line == 0 && tail.Length < file.Length && bytes < ReportInput.LargestFile);
        long start = file.Length - tail.Length + line;
        ReadOnlySpan<byte> text = tail.AsSpan(line).TrimEnd(" \t\r\n"u8);
        if (start == 0 && text.StartsWith("\uFEFF"u8))
        {
            text = text[3..];
        }
        if (!text.IsEmpty)
        {
            _ = Parse(text, (int)Math.Min(int.MaxValue, start), target);
        }
        return tail[^1] == '\n';
    }

    /// <summary>Returns a timeline as a line with its line end.</summary>
    internal static ReadOnlyMemory<byte> Format(LoadTimeline timeline)
    {
        var text = new ArrayBufferWriter<byte>();
        string[] phases = [.. timeline.Points.Select(point => point.Phase).OfType<string>().Distinct()];
        using (var json = new Utf8JsonWriter(text, Text))
        {
            json.WriteStartObject();
            json.WriteNumber("TimelineVersion", LoadTimeline.Version);
            json.WriteString("Strategy", timeline.Strategy);
            json.WriteString("Device", timeline.Device);
            json.WriteNumber("Run", timeline.Run);
            json.WriteString("HostName", timeline.HostName);
            json.WriteString("StartedAt", RowTime.Text(timeline.StartedAt));
            json.WriteStartArray("Phases");
            foreach (string phase in phases)
            {
                json.WriteStringValue(phase);
            }
            json.WriteEndArray();
            for (int figure = 0; figure < Figures; figure++)
            {
                WriteFigures(json, Fields[FirstFigure + figure], timeline.Points.Select(point => FigureOf(point, figure, phases)));
            }
            json.WriteEndObject();
        }
        text.Write("\n"u8);
        return text.WrittenMemory;
    }

    /// <summary>Returns the timeline of one line.</summary>
    /// <exception cref="MemLoadException">ML8111 to ML8113.</exception>
    internal static LoadTimeline Parse(string line) => Parse(Encoding.UTF8.GetBytes(line), 0, "");

    private static IEnumerable<LoadTimeline> Lines(byte[] text, string path, CancellationToken ct)
    {
        for (int start = 0; start < text.Length;)
        {
            ct.ThrowIfCancellationRequested();
            int length = text.AsSpan(start).IndexOf((byte)'\n');
            length = length < 0 ? text.Length - start : length;
            if (text.AsSpan(start, length).IndexOfAnyExcept(" \t\r"u8) >= 0)
            {
                yield return Parse(text.AsSpan(start, length), start, path);
            }
            start += length + 1;
        }
    }

    private static LoadTimeline Parse(ReadOnlySpan<byte> line, int origin, string path)
    {
        // The length of the file limits the strings, and MostItems limits the lists.
        var json = new StrictJson(line, origin, TextRules, FileBudget.Unlimited(path));
        var texts = new string[Fields.Length];
        int run = 0;
        DateTimeOffset startedAt = default;
        List<string> phases = [];
        var figures = new List<long?>[Figures];
        uint seen = 0;
        json.Next(JsonTokenType.StartObject, "a line of samples");
        for (int field; (field = json.NextField(Fields, ref seen)) >= 0;)
        {
            switch (field)
            {
                case 0:
                    json.Next(JsonTokenType.Number, Fields[field]);
                    if (!json.TryGetWhole(out long version) || version != LoadTimeline.Version)
                    {
                        throw json.Broken(Rules.TimelineVersion, $"the samples are not of version {LoadTimeline.Version}");
                    }
                    break;
                case 3:
                    json.Next(JsonTokenType.Number, Fields[field]);
                    run =
                        json.TryGetWhole(out long number) && number <= int.MaxValue ? (int)number
                            : throw json.Broken(Rules.TimelineForm, "Run is not a whole number from 0");
                    break;
                case 1 or 2 or 4:
                    texts[field] = json.NextText(Fields[field]);
                    break;
                case 5:
                    startedAt = RowTime.TryRead(json.NextText(Fields[field]), out DateTimeOffset time)
                        ? time
                        : throw json.Broken(
                            Rules.TimelineForm, $"StartedAt is {Printable.Quote(json.Text())} and must be a time in ISO 8601");
                    break;
                case 6:
                    json.Next(JsonTokenType.StartArray, "Phases");
                    while (json.NextItem())
                    {
                        phases.Add(
                            json.Token == JsonTokenType.String ? json.Text()
                                : throw json.Broken(Rules.TimelineForm, "an item of Phases is not text"));
                    }
                    break;
                case >= FirstFigure when field < Fields.Length:
                    figures[field - FirstFigure] = ReadFigures(ref json, Fields[field]);
                    break;
                default:
                    throw json.Broken(Rules.TimelineForm, $"the samples have the unknown field {Printable.Quote(json.Text())}");
            }
        }
        json.End(Rules.TimelineSyntax);
        int missing = BitOperations.TrailingZeroCount(~seen);
        if (missing < Fields.Length)
        {
            throw json.Broken(Rules.TimelineForm, $"the samples have no {Fields[missing]}");
        }
        return new LoadTimeline
        {
            Strategy = texts[1],
            Device = texts[2],
            Run = run,
            HostName = texts[4],
            StartedAt = startedAt,
            Points = Points(in json, figures, phases),
        };
    }

    private static List<long?> ReadFigures(ref StrictJson json, string name)
    {
        var figures = new List<long?>();
        json.Next(JsonTokenType.StartArray, name);
        while (json.NextItem())
        {
            long value = 0;
            bool known = json.Token != JsonTokenType.Null;
            if (known && (json.Token != JsonTokenType.Number || !json.TryGetWhole(out value)))
            {
                throw json.Broken(Rules.TimelineForm, $"an item of {name} is neither null nor a whole number from 0 to 2⁶³ − 1");
            }
            figures.Add(known ? value : null);
            if (figures.Count > MostItems)
            {
                throw json.Broken(Rules.TimelineForm, $"{name} has more than {MostItems} items");
            }
        }
        return figures;
    }

    private static TimelinePoint[] Points(in StrictJson json, List<long?>[] figures, List<string> phases)
    {
        var points = new TimelinePoint[figures[0].Count];
        int odd = Array.FindIndex(figures, list => list.Count != points.Length);
        if (odd >= 0)
        {
            throw json.Broken(
                Rules.TimelineForm, $"Microseconds has {points.Length} items and {Fields[FirstFigure + odd]} {figures[odd].Count}");
        }
        long before = 0;
        for (int i = 0; i < points.Length; i++)
        {
            long? phase = figures[7][i];
            if (figures[0][i] is not long time || time < before)
            {
                throw json.Broken(Rules.TimelineForm, $"item {i} of Microseconds is null, or less than the item before it");
            }
            if (phase >= phases.Count)
            {
                throw json.Broken(Rules.TimelineForm, $"item {i} of Phase is {phase}, and there are {phases.Count} phases");
            }
            before = time;
            points[i] = new TimelinePoint(
                time,
                figures[1][i],
                figures[2][i],
                figures[3][i],
                figures[4][i],
                figures[5][i],
                figures[6][i],
                phase is long index ? phases[(int)index] : null);
        }
        return points;
    }

    private static long? FigureOf(TimelinePoint point, int figure, string[] phases) => figure switch
    {
        0 => point.Microseconds,
        1 => point.HostBytes,
        2 => point.HostFileBytes,
        3 => point.DeviceBytes,
        4 => point.ForecastHostBytes,
        5 => point.ForecastHostFileBytes,
        6 => point.ForecastDeviceBytes,
        _ => point.Phase is null ? null : Array.IndexOf(phases, point.Phase),
    };

    private static void WriteFigures(Utf8JsonWriter json, string name, IEnumerable<long?> figures)
    {
        json.WriteStartArray(name);
        foreach (long? figure in figures)
        {
            if (figure is long value)
            {
                json.WriteNumberValue(value);
            }
            else
            {
                json.WriteNullValue();
            }
        }
        json.WriteEndArray();
    }
}
