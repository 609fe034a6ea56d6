using System.Diagnostics;
using System.Text;

namespace MemLoad;

/// <summary>The child process of a measurement: it reads one request, writes one row, and ends.</summary>
public static class MeasurementWorker
{
    /// <summary>
    /// The line that a child process writes before a load that begins with other loads. It then waits for one line from its parent.
    /// </summary>
    internal const string Ready = "ready";

    /// <summary>
    /// Answers one request. If the input ends during the work, the parent has ended, and the process ends itself at once.
    /// </summary>
    /// <param name="input">One line of JSON, a <see cref="MeasureRequest"/>; if the load begins with those of other ranks, then another
    /// line, which starts it. The parent keeps the stream open.</param>
    /// <param name="output">Receives one line of JSON, a <see cref="LoadMeasurement"/>; if requested, then another line, a
    /// <see cref="LoadTimeline"/>.</param>
    /// <param name="cancellationToken">Cancels the load.</param>
    /// <returns>0 if a row was written, 2 if there was no request.</returns>
    public static int Run(Stream input, Stream output, CancellationToken cancellationToken = default)
    {
        // Ctrl-C reaches the whole process group. The parent decides, or this process would end without a row.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using var reader = new StreamReader(input, leaveOpen: true);
        if (reader.ReadLine() is not string line)
        {
            return 2;
        }
        MeasureRequest request = RecordJson.Read<MeasureRequest>(line);
        using var start = new ManualResetEventSlim();
        var watch = new Thread(() => EndWithParent(reader, start)) { IsBackground = true, Name = "MemLoad parent watch" };
        watch.Start();
        Vocabulary.Current = request.Words ?? Vocabulary.Current;
        LoadTimeline? timeline = null;
        // The loss of this process is a row. A guard would add its cost to the measurement.
        LoadMeasurement row =
            MeasuredLoad.Run(request with { Load = request.Load with { MapGuard = MapGuard.None } }, measured => timeline = measured,
                request.Load.WithOtherRanks ? WaitForOthers : null, cancellationToken);
        RecordJson.Write(output, row);
        output.Write("\n"u8);
        if (request.Timeline && timeline is not null)
        {
            output.Write(TimelineFile.Format(timeline).Span);
        }
        output.Flush();
        return 0;

        void WaitForOthers()
        {
            output.Write(Encoding.UTF8.GetBytes(Ready + "\n"));
            output.Flush();
            start.Wait(cancellationToken);
        }
    }

    private static void EndWithParent(StreamReader reader, ManualResetEventSlim start)
    {
        while (reader.ReadLine() is not null)
        {
            start.Set();
        }
        using var self = Process.GetCurrentProcess();
        self.Kill();
    }
}
