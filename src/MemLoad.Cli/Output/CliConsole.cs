using System.Runtime.InteropServices;
using System.Text;

namespace MemLoad.Cli;

/// <summary>The output of a command: data to <see cref="Out"/>, everything else to <see cref="Error"/>.</summary>
internal sealed class CliConsole
{
    private StandardStream? _data;

    private CliConsole(TextWriter output, TextWriter error)
    {
        Out = output;
        Error = error;
    }

    public TextWriter Out { get; }
    public TextWriter Error { get; }

    /// <summary>Why the data could not be written completely; null if there was no error so far.</summary>
    public Exception? OutputFailure => _data?.Failure;
    public bool ErrorIsTerminal { get; private init; }

    /// <summary>True if tables may have colours.</summary>
    public bool Colour { get; private init; }

    /// <summary>True if characters outside ASCII can be printed.</summary>
    public bool Unicode { get; private init; } = true;

    /// <summary>The width of status lines on standard error, in characters.</summary>
    public int Width { get; private init; } = 80;

    public static CliConsole ForProcess()
    {
        if (OperatingSystem.IsWindows() && !Console.IsOutputRedirected)
        {
            // The old code pages lack half of the characters of tables. The console outlives this process, so its own code page is
            // restored.
            Encoding before = Console.OutputEncoding;
            Console.OutputEncoding = Encoding.UTF8;
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Console.OutputEncoding = before;
        }
        TextWriter output = Console.Out;
        StandardStream? data = null;
        if (StandardStreams.OutputIsClosed || Console.IsOutputRedirected)
        {
            // Programs read UTF-8 with every code page of the console. A long listing is not flushed line by line.
            data = new StandardStream(StandardStreams.OutputIsClosed ? null : Console.OpenStandardOutput());
            output = new StreamWriter(data, new UTF8Encoding(false), 1 << 16);
        }
        TextWriter error = Console.Error;
        if (StandardStreams.ErrorIsClosed || Console.IsErrorRedirected)
        {
            // A missing stream for errors cannot be reported. The exit code reports the failure. On Windows, the code page applies only to
            // the console. Files and pipes get UTF-8, as on standard output.
            Encoding encoding = OperatingSystem.IsWindows() ? new UTF8Encoding(false) : error.Encoding;
            Stream? stream = StandardStreams.ErrorIsClosed ? null : Console.OpenStandardError();
            error = TextWriter.Synchronized(new StreamWriter(new StandardStream(stream), encoding) { AutoFlush = true });
        }
        bool dumb = Environment.GetEnvironmentVariable("TERM") == "dumb";
        return new CliConsole(output, error)
        {
            _data = data,
            ErrorIsTerminal = !Console.IsErrorRedirected && !dumb,
            Colour = !Console.IsOutputRedirected && !dumb && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
            Unicode = Console.IsOutputRedirected || (!dumb && output.Encoding.CodePage is 65001 or 1200),
            Width = TerminalWidth(),
        };
    }

    /// <summary>Creates a console without a terminal over two writers.</summary>
    public static CliConsole ForWriters(TextWriter output, TextWriter error) => new(output, error);

    /// <summary>Creates a console over two writers that behaves like a terminal.</summary>
    internal static CliConsole ForTerminal(TextWriter output, TextWriter error, bool colour, bool unicode = true) =>
        new(output, error) { ErrorIsTerminal = true, Colour = colour, Unicode = unicode };

    /// <summary>Prints an exception as one line and returns its exit code.</summary>
    public int Report(Exception exception)
    {
        int code = ExitCode.Failed;
        switch (exception)
        {
            case OperationCanceledException:
                Error.WriteLine("memload: interrupted");
                return ExitCode.Interrupted;
            case AggregateException { InnerExceptions: [Exception only, ..] }:
                return Report(only);
            case TypeInitializationException { InnerException: Exception cause }:
                return Report(cause);
            case FileNotFoundException { FileName: string assembly } when IsInstalled(assembly):
                return Report(Rules.FilesExhausted.Broken($"'{assembly.Split(',')[0]}' of this program cannot be opened with the files "
                    + $"that are open", innerException: exception));
            case MemLoadException broken:
                Error.WriteLine($"memload: error {broken.Rule.Id}: {Printable.Line(broken.Message)}");
                // An unknown device name is a usage error. A device that is not available is not.
                code = broken.Rule == Rules.DeviceUnknown ? ExitCode.Usage : ExitCode.Failed;
                break;
            default:
                Error.WriteLine($"memload: error {Rules.Unexpected.Id}: {exception.GetType().Name}: "
                    + $"{Printable.Line(exception.Message).TrimEnd('.')}. {Rules.Unexpected.Remedy}");
                break;
        }
        if (Environment.GetEnvironmentVariable("MEMLOAD_DEBUG") == "1")
        {
            foreach (string line in exception.ToString().Split('\n'))
            {
                Error.WriteLine(Printable.Text(line.TrimEnd('\r')));
            }
        }
        return code;
    }

    // If no file descriptor is left, the runtime reports that an assembly does not exist.
    private static bool IsInstalled(string assembly) => new[] { AppContext.BaseDirectory, RuntimeEnvironment.GetRuntimeDirectory() }
        .Any(folder => File.Exists(Path.Combine(folder, $"{assembly.Split(',')[0]}.dll")));

    private static int TerminalWidth()
    {
        try
        {
            return Console.IsErrorRedirected || Console.WindowWidth < 20 ? 80 : Console.WindowWidth;
        }
        catch (Exception e) when (e is IOException or PlatformNotSupportedException)
        {
            return 80;
        }
    }
}
