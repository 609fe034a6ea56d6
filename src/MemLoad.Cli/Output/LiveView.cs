using System.ComponentModel;
using System.Diagnostics;

namespace MemLoad.Cli;

/// <summary>
/// Shows the state of a measurement twice per second, only on a terminal: elapsed time, and the resident memory of the child processes. The
/// kernel reports the memory, so the child's probe and timing are not affected.
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
    private readonly List<int> _children = [];

    /// <summary>Creates the view. It must not tick if this process itself is measured: no other thread may then run.</summary>
    public LiveView(CliConsole console, bool ticks)
    {
        _console = console;
        _status = new StatusLine(console);
        _timer = ticks && console.ErrorIsTerminal ? new Timer(_ => Redraw(), null, Tick, Tick) : null;
    }

    /// <summary>Begins a measurement.</summary>
    /// <param name="what">The text of the line, such as <c>measuring Baseline (1/6)</c>.</param>
    /// <param name="forecast">The forecast of host memory; null if it is not known.</param>
    public void Begin(string what, long? forecast)
    {
        lock (_lock)
        {
            (_what, _forecast, _clock) = (what, forecast, Stopwatch.StartNew());
            _children.Clear();
            _status.Show(what);
        }
    }

    public void Watch(int process)
    {
        lock (_lock)
        {
            _children.Add(process);
        }
    }

    /// <summary>Removes the line until the next change, so that rows can be printed on the same terminal.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _status.Clear();
        }
    }

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
            long?[] resident = [.. _children.Select(Resident).Where(bytes => bytes is not null)];
            _status.Show(Line(_what, _clock.Elapsed, resident.Length == 0 ? null : resident.Sum(), _forecast, new Bars(_console.Unicode)));
        }
    }

    /// <summary>Returns the text of the line: resident memory and its forecast.</summary>
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
            return null; // the process has ended
        }
    }
}
