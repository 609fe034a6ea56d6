using System.Buffers;
using System.Text;

namespace MemLoad;

/// <summary>
/// The report as a page: HTML that is also well-formed XML. It loads nothing and runs only its own script, which its policy requires of the
/// browser.
/// </summary>
internal sealed class HtmlPage
{
    private static readonly SearchValues<char> FigureCharacters = SearchValues.Create("0123456789.,");

    private readonly StringBuilder _html = new();
    private int _figures;
    private int _section;

    private HtmlPage()
    {
    }

    /// <summary>Returns the text of the page. Equal rows and samples give equal pages. Without changes there is no comparison.</summary>
    public static string Of(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<ReportSection> sections, IReadOnlyList<RunChange>? changes)
    {
        var page = new HtmlPage();
        page.Write(rows, sections, changes);
        return page._html.ToString();
    }

    private void Write(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<ReportSection> sections, IReadOnlyList<RunChange>? changes)
    {
        string title = $"Load report: {string.Join(", ", sections.Select(section => section.Group.Model).Distinct().Take(3))}";
        Raw("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        Raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
        Raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
            + $"script-src 'sha256-{PageScript.Hash}'\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n");
        Raw($"<title>{Markup.Text(title)}</title>\n<style>\n{HtmlStyle.Css}\n</style>\n</head>\n<body>\n");
        Raw("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\">"
            + $"<defs>{SvgRenderer.Patterns}</defs></svg>\n<main>\n");
        Element("h1", title);
        Summary(rows, sections);
        if (changes is not null)
        {
            Changes(changes);
        }
        foreach (ReportSection section in sections)
        {
            Section(section);
        }
        Machines(rows);
        Rows(rows);
        Notes(rows);
        Glossary(rows);
        Raw($"</main>\n<footer><p class=\"muted\">Made by MemLoad {Markup.Text(HostFacts.ModuleVersion)} from rows in CSV or "
            + "JSON. Sizes in powers of 1024, GB/s in powers of 1000.</p></footer>\n"
            + $"<script>{PageScript.Text}</script>\n</body>\n</html>\n");
    }

    private void Summary(IReadOnlyList<LoadMeasurement> rows, IReadOnlyList<ReportSection> sections)
    {
        string[] hosts = [.. rows.Select(row => row.HostName).Distinct()];
        string from = RowTime.Text(rows.Select(row => row.StartedAt).Min());
        Muted($"{Figures.Count(rows.Count, "load")} on {Figures.Count(hosts.Length, "machine")}, measured from {from} on, each compared "
            + "with the forecast from the headers of the file.");
        // A refusal prevents an out-of-memory error. It is not a difference from the forecast.
        int refused = rows.Count(IsRefused);
        int asForecast = rows.Count(row => row.AsForecast == true);
        string others = refused == 0 ? ""
            : $" {Figures.Count(refused, "more load")} {(refused == 1 ? "was" : "were")} refused before memory was allocated.";
        Judged(asForecast + refused == rows.Count,
            $"{Figures.Count(asForecast)} of {Figures.Count(rows.Count - refused, "load")} as forecast.{others}");
        foreach (LoadMeasurement row in rows.Where(row => row.AsForecast != true).OrderBy(IsRefused).Take(50))
        {
            string message = row.Message is null ? "" : $". {row.Message}";
            string run = row.Run.ToString(CultureInfo.InvariantCulture);
            Paragraph($"{row.Strategy} to {row.Device} on {row.HostName}, run {run}: {row.Verdict}{message}",
                IsRefused(row) ? "muted" : "bad");
        }
        foreach (WeightAgreement agreement in WeightAgreement.Of(rows))
        {
            Judged(agreement.Digests.Count == 1, agreement.Text);
        }
        if (sections.Count > 1)
        {
            Raw("<nav aria-label=\"Contents\"><ul>");
            for (int i = 0; i < sections.Count; i++)
            {
                Raw($"<li><a href=\"#g{i + 1}\">{Markup.Text(sections[i].Group.Title)}</a></li>");
            }
            Raw("<li><a href=\"#machines\">Machines</a></li><li><a href=\"#rows\">All rows</a></li>"
                + "<li><a href=\"#words\">Words</a></li></ul></nav>\n");
        }
    }

    private void Changes(IReadOnlyList<RunChange> changes)
    {
        Raw("<section aria-labelledby=\"changes\">\n<h2 id=\"changes\">Compared with the baseline</h2>\n");
        int worse = changes.Count(change => change.Kind == ChangeKind.Worse);
        int compared = changes.Count(change => change.Kind is not (ChangeKind.New or ChangeKind.Missing));
        Judged(worse == 0, $"{Figures.Count(worse)} of {Figures.Count(compared, "load")} {(worse == 1 ? "is" : "are")} worse.");
        Muted("Figures are medians of the runs. A time differs if it changed by more than 10 % and 10 ms and the ranges of the runs do not "
            + "overlap. Host memory differs by more than 2 % and 8 MiB, device memory by a byte.");
        Table(
            FigureTable.Of(changes,
                ("Change", change => change.Kind.ToString().ToLowerInvariant()),
                ("Machine", change => change.Group.HostName),
                ("Model", change => change.Group.Model),
                ("Device", change => change.Group.Device),
                ("Strategy", change => change.Name),
                ("Time before", change => Median(change.Before, row => row.ElapsedMicroseconds, Figures.Time)),
                ("Time", change => Median(change.Now, row => row.ElapsedMicroseconds, Figures.Time)),
                ("Host before", change => Median(change.Before, row => row.PeakHostBytes, Figures.Bytes)),
                ("Host", change => Median(change.Now, row => row.PeakHostBytes, Figures.Bytes)),
                ("Device before", change => Median(change.Before, row => row.PeakDeviceBytes, Figures.Bytes)),
                ("Device memory", change => Median(change.Now, row => row.PeakDeviceBytes, Figures.Bytes)),
                ("Difference", change => change.Text)),
            "Each load compared with the same load in the baseline, the worst first", sorts: true);
        Raw("</section>\n");
    }

    private static string Median(ReportStrategy? strategy, Func<LoadMeasurement, long?> figure, Func<long?, string> format) =>
        format(strategy?.Of(figure).Median);

    private static bool IsRefused(LoadMeasurement row) => row.Outcome == nameof(LoadOutcome.Refused);

    // The terms for readers who have never used MemLoad and have only the page.
    private void Glossary(IReadOnlyList<LoadMeasurement> rows)
    {
        (string Word, string Meaning)[] words =
        [
            ("as forecast",
                "The load took what was forecast: device memory to the byte, host memory within 2 % or 8 MiB, whichever is more."),
            ("host +12.3 %, device -1.0 MiB", "Measured less forecast, where a load left its forecast: plus is more than forecast."),
            ("refused", "The forecast did not fit a limit, so nothing was loaded. This is not an error of the forecast."),
            ("device", "Memory of the accelerator that was allocated for the load."),
            ("host",
                "Memory of the computer that the load requires: anonymous and shared pages, above what the process held before."),
            ("file-backed", "Pages of mapped files that are in memory. The system can take them back at any time and read them again."),
            .. !rows.Any(row => DeviceRegistry.IsSimulated(row.Device)) ? Array.Empty<(string, string)>()
                : [("sim, simulated",
                    "No card: the accelerator is simulated in the memory of the computer. Peaks are those of a card; times are not.")],
            ("cold, warm", "Whether the files were read from the disk or were in the system's page cache."),
        ];
        Raw("<section aria-labelledby=\"words\">\n<h2 id=\"words\">Words</h2>\n<dl>\n");
        foreach ((string word, string meaning) in words)
        {
            Element("dt", word);
            Element("dd", meaning);
        }
        Raw("</dl>\n</section>\n");
    }

    private void Section(ReportSection section)
    {
        ReportGroup group = section.Group;
        LoadMeasurement known = group.Known;
        _section++;
        Raw($"<section aria-labelledby=\"g{_section}\">\n<h2 id=\"g{_section}\">{Markup.Text(group.Title)}</h2>\n");
        Muted(Facts(known));
        Element("h3", "Peaks, time and throughput");
        Raw("<div class=\"pictures\">\n");
        Figure(section.Peaks, "Peak memory, median of the runs; a line in a bar goes from the minimum to the maximum");
        Figure(section.Time, "Time of the load, and the model's bytes over it");
        Raw("</div>\n");
        if (section.Peaks.Table.Columns.Contains("Notebook GPU"))
        {
            Muted("The notebook's figures are those of PyTorch on a CUDA card. Its CPU figures were sampled every 100 ms. A peak can fall "
                + "between two samples.");
        }
        Element("h3", "Memory over time");
        string[] without = [.. group.Strategies.Where(strategy => strategy.Timeline is null).Select(strategy => strategy.Name)];
        if (section.Timelines.Count > 0)
        {
            Raw("<div class=\"pictures\">\n");
            foreach (Picture picture in section.Timelines)
            {
                Figure(picture, null);
            }
            Raw("</div>\n");
        }
        if (without.Length > 0)
        {
            Muted($"No samples of {string.Join(", ", without)}: ask for samples when you measure, and give their file to the report.");
        }
        if (ReportCommands.Knows(group))
        {
            string limit = ReportCommands.KnowsDeviceLimit(group) ? "" : ", nor is a limit on the card's memory";
            Element("h3", "Commands");
            Muted($"These measure the same again. Keys and patterns that were given are not in the rows{limit}.");
            Raw($"<pre>{Markup.Text(ReportCommands.Shell(group))}</pre>\n<pre>{Markup.Text(ReportCommands.PowerShell(group))}</pre>\n");
        }
        Raw("</section>\n");
    }

    private static string Facts(LoadMeasurement row)
    {
        IEnumerable<string?> facts =
        [
            row.Path is null ? null : row.Format is null ? row.Path : $"{row.Path} ({row.Format})",
            row.TensorCount is long tensors ? Figures.Count(tensors, "tensor") : null,
            row.ParameterCount is long parameters ? Figures.Count(parameters, "parameter") : null,
            row.ModelBytes is long bytes ? $"{Figures.Bytes(bytes)} in memory" : null,
            row.Cache is null ? null : row.Cache == "AsIs" ? "page cache as it was" : $"page cache {row.Cache.ToLowerInvariant()}",
        ];
        return string.Join(", ", facts.OfType<string>());
    }

    private void Figure(Picture picture, string? caption)
    {
        _figures++;
        Raw("<figure>\n");
        if (caption is not null)
        {
            Element("figcaption", caption);
        }
        Raw(SvgRenderer.Part(picture, $"f{_figures}"));
        Raw("\n<details><summary>The same in figures</summary>\n");
        Table(picture.Table, picture.Title);
        Raw("</details>\n</figure>\n");
    }

    private void Machines(IReadOnlyList<LoadMeasurement> rows)
    {
        Raw("<section aria-labelledby=\"machines\">\n<h2 id=\"machines\">Machines</h2>\n");
        Table(
            FigureTable.Of(rows.GroupBy(row => (row.HostName, row.ProcessorName, row.TotalMemoryBytes, row.ModuleVersion)),
                ("Machine", machine => machine.Key.HostName),
                ("Processor", machine => machine.Key.ProcessorName ?? "–"),
                ("Memory", machine => Figures.Bytes(machine.Key.TotalMemoryBytes)),
                ("Host budget", machine => Figures.Spread(Spread.Of(machine.Select(row => row.HostBudgetBytes)), Figures.Bytes)),
                ("Limit",
                    machine => string.Join(", ", machine.Select(row => row.HostLimit).OfType<string>().Distinct().DefaultIfEmpty("–"))),
                ("MemLoad", machine => machine.Key.ModuleVersion)),
            "Where it was measured");
        Raw("</section>\n");
    }

    private void Rows(IReadOnlyList<LoadMeasurement> rows)
    {
        Raw("<section aria-labelledby=\"rows\">\n<h2 id=\"rows\">All rows</h2>\n");
        Table(
            FigureTable.Of(rows,
                ("Machine", row => row.HostName),
                ("Model", ReportGroup.ModelOf),
                ("Device", row => row.Device),
                ("Strategy", ReportStrategy.NameOf),
                ("Run", row => row.Run.ToString(CultureInfo.InvariantCulture)),
                ("Device forecast", row => Figures.Bytes(row.ForecastDeviceBytes)),
                ("Device peak", row => Figures.Bytes(row.PeakDeviceBytes)),
                ("Host forecast", row => Figures.Bytes(row.ForecastHostBytes)),
                ("Host peak", row => Figures.Bytes(row.PeakHostBytes)),
                ("File-backed peak", row => Figures.Bytes(row.PeakHostFileBytes)),
                ("Time", row => Figures.Time(row.ElapsedMicroseconds)),
                ("Throughput", row => Figures.Speed(row.BytesPerSecond)),
                ("Verdict", row => row.Verdict),
                ("Digest", row => row.WeightsDigest is { Length: > 12 } digest ? digest[..12] + "…" : row.WeightsDigest ?? "–")),
            "Every load, peaks above the idle process", sorts: true);
        Raw("</section>\n");
    }

    private void Notes(IReadOnlyList<LoadMeasurement> rows)
    {
        string[] notes = [.. rows.Where(row => row.Note is not null)
            .Select(row => $"{row.Strategy} to {row.Device} on {row.HostName}: {row.Note}").Distinct()];
        if (notes.Length > 0)
        {
            Element("h2", "Notes");
            Array.ForEach(notes, Muted);
        }
    }

    // Columns with figures are aligned right, columns with words left.
    private void Table(FigureTable table, string caption, bool sorts = false)
    {
        bool[] words = [.. table.Columns.Select((name, i) => !table.Rows.All(row => IsFigure(row[i])))];
        string shown = Markup.Text(caption);
        Raw($"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{shown}\"><table{(sorts ? " class=\"sorts\"" : "")}>\n"
            + $"<caption>{shown}</caption>\n<thead><tr>");
        for (int i = 0; i < table.Columns.Count; i++)
        {
            Raw($"<th scope=\"col\"{(words[i] ? "" : " class=\"n\"")}>{Markup.Text(table.Columns[i])}</th>");
        }
        Raw("</tr></thead>\n<tbody>\n");
        foreach (IReadOnlyList<string> row in table.Rows)
        {
            Raw("<tr>");
            for (int i = 0; i < row.Count; i++)
            {
                string cell = Markup.Text(row[i]);
                Raw(i == 0 ? $"<th scope=\"row\">{cell}</th>" : $"<td{(words[i] ? "" : " class=\"n\"")}>{cell}</td>");
            }
            Raw("</tr>\n");
        }
        Raw("</tbody>\n</table></div>\n");
    }

    // A number, alone or with a suffix. An unknown value is also a number. A hexadecimal digest can begin like a number.
    private static bool IsFigure(string cell)
    {
        int end = cell.AsSpan().IndexOfAnyExcept(FigureCharacters);
        return cell == "–" || end < 0 || (end > 0 && cell[end] == ' ');
    }

    private void Muted(string text) => Paragraph(text, "muted");

    private void Judged(bool isGood, string text) => Paragraph(text, isGood ? "good" : "bad");

    private void Paragraph(string text, string kind) => Raw($"<p class=\"{kind}\">{Markup.Text(text)}</p>\n");

    private void Element(string name, string text) => Raw($"<{name}>{Markup.Text(text)}</{name}>\n");

    private void Raw(string html) => _html.Append(html);
}
