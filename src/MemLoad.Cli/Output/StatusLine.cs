using System.Diagnostics;

namespace MemLoad.Cli;

/// <summary>
/// Shows progress on standard error: one line that is overwritten on a terminal. Elsewhere it prints a line at intervals, and only for long
/// work. No background thread updates it, because that would affect measurements.
/// </summary>
internal sealed class StatusLine(CliConsole console) : IDisposable
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongWork = TimeSpan.FromSeconds(5);
    private const long LargeWork = 1L << 30;
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10);

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private TimeSpan _next;
    private TimeSpan _nextPlain = LongWork;
    private int _shown;

    public void Show(string text)
    {
        text = Printable.Text(text);
        lock (_lock)
        {
            if (console.ErrorIsTerminal)
            {
                Overwrite(text);
            }
            else if (_clock.Elapsed >= _nextPlain)
            {
                _nextPlain = _clock.Elapsed + PlainInterval;
                console.Error.WriteLine($"memload: {text}");
            }
        }
    }

    /// <summary>
    /// Shows a bar for work of <paramref name="total"/> bytes. If it is announced, the size is printed before the work begins: at once on a
    /// terminal, elsewhere from 1 GiB on.
    /// </summary>
    public IProgress<long> Bytes(string what, long total, bool announced = false)
    {
        if (announced && console.ErrorIsTerminal)
        {
            Show(Line(what, 0, total, TimeSpan.Zero, withBar: true));
        }
        else if (announced && total >= LargeWork)
        {
            console.Error.WriteLine($"memload: {what} {Printable.Bytes(total)}");
        }
        return new Bar(this, what, total);
    }

    public void Dispose() => Clear();

    /// <summary>Removes the line. The next text is shown again.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            if (_shown > 0)
            {
                Overwrite("");
                console.Error.Write('\r');
                _shown = 0;
            }
        }
    }

    private void Overwrite(string text)
    {
        // The last column stays empty: some terminals wrap when it is written.
        int room = console.Width - 1;
        text = text.Length > room ? text[..room] : text;
        console.Error.Write($"\r{text.PadRight(Math.Min(_shown, room))}");
        console.Error.Flush();
        _shown = text.Length;
    }

    private void ShowBytes(string what, long done, long total)
    {
        lock (_lock)
        {
            TimeSpan now = _clock.Elapsed;
            if (now < (console.ErrorIsTerminal ? _next : _nextPlain))
            {
                return;
            }
            _next = now + Redraw;
        }
        Show(Line(what, done, total, _clock.Elapsed, console.ErrorIsTerminal));
    }

    /// <summary>Returns the text of a bar.</summary>
    internal static string Line(string what, long done, long total, TimeSpan elapsed, bool withBar)
    {
        const int Cells = 16;
        double part = total <= 0 ? 1 : Math.Clamp((double)done / total, 0, 1);
        int filled = (int)(part * Cells);
        string bar = withBar ? $" {new string('█', filled)}{new string('░', Cells - filled)}" : "";
        Units unit = Units.For([total]);
        string line = string.Create(CultureInfo.InvariantCulture,
            $"{what}{bar} {part * 100,3:0} %  {unit.Format(done)} of {unit.Format(total)} {unit.Name}");
        if (elapsed > TimeSpan.FromSeconds(1) && part is > 0 and < 1)
        {
            double left = elapsed.TotalSeconds * (1 - part) / part;
            line += string.Create(CultureInfo.InvariantCulture, $"  {(int)left / 60}:{(int)left % 60:00} left");
        }
        return line;
    }

    // Progress<T> would pass the reports to the thread pool, where they could arrive after the line is removed.
    private sealed class Bar(StatusLine line, string what, long total) : IProgress<long>
    {
        public void Report(long value) => line.ShowBytes(what, value, total);
    }
}
