using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace MemLoad.Cli;

/// <summary>
/// What a measurement is doing, twice a second on a terminal and never elsewhere: elapsed time, and what the child process has resident. That the
/// kernel is asked, not the child, whose probe and clock know nothing of it.
/// </summary>
internal sealed class LiveView : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    private readonly StatusLine _status;
    private readonly CliConsole _console;
    private readonly Timer? _timer;
    private readonly Lock _lock = new();
    private string _what = "";
    private long? _forecast;
    private Stopwatch _clock = Stopwatch.StartNew();
    private int _child;

    /// <param name="console">Where to.</param>
    /// <param name="ticks">False where this very process is measured: nothing of ours may run beside it.</param>
    public LiveView(CliConsole console, bool ticks)
    {
        _console = console;
        _status = new StatusLine(console);
        _timer = ticks && console.ErrorIsTerminal ? new Timer(_ => Redraw(), null, Tick, Tick) : null;
    }

    /// <summary>A measurement begins.</summary>
    /// <param name="what">Such as <c>measuring Baseline (1/6)</c>.</param>
    /// <param name="forecast">What the host is forecast to hold; null where nobody knows.</param>
    public void Begin(string what, long? forecast)
    {
        lock (_lock)
        {
            (_what, _forecast, _child, _clock) = (what, forecast, 0, Stopwatch.StartNew());
            _status.Show(what);
        }
    }

    /// <summary>The process to look at.</summary>
    public void Watch(int process)
    {
        lock (_lock)
        {
            _child = process;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_timer is not null)
        {
            using var stopped = new ManualResetEvent(false);
            if (_timer.Dispose(stopped))
            {
                stopped.WaitOne();
            }
        }
        _status.Dispose();
    }

    private void Redraw()
    {
        lock (_lock)
        {
            _status.Show(Line(_what, _clock.Elapsed, _child == 0 ? null : Resident(_child), _forecast, new Bars(_console.Unicode)));
        }
    }

    /// <summary>The text of the line: what is resident, of what is forecast.</summary>
    internal static string Line(string what, TimeSpan elapsed, long? resident, long? forecast, Bars bars)
    {
        const int Cells = 6;
        string time = string.Create(CultureInfo.InvariantCulture, $"{(int)elapsed.TotalMinutes}:{elapsed.Seconds:00}");
        if (resident is not long now)
        {
            return $"{what}  {time}";
        }
        string beside = forecast is long host and > 0
            ? $" {Bars.Stack(host, Cells, (bars.Host, now)).PadRight(Cells, bars.File)} of {Printable.Bytes(host)}"
            : "";
        return $"{what}  {time}  resident {Printable.Bytes(now)}{beside}";
    }

    private static long? Resident(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return process.WorkingSet64;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return null; // gone
        }
    }
}
