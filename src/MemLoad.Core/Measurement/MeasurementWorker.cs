using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MemLoad;

/// <summary>The child's side of a measurement: one request in, one row out, then it ends.</summary>
public static class MeasurementWorker
{
    /// <summary>Answers one request. If the input ends while it works, its parent is gone and it ends itself at once.</summary>
    /// <param name="input">A line of JSON, a <see cref="MeasureRequest"/>; kept open by the parent.</param>
    /// <param name="output">Takes a line of JSON, a <see cref="LoadMeasurement"/>; where asked for, then another, a <see cref="LoadTimeline"/>.</param>
    /// <param name="cancellationToken">Stops the load.</param>
    /// <returns>0 if a row was written, 2 if there was no request.</returns>
    public static int Run(Stream input, Stream output, CancellationToken cancellationToken = default)
    {
        // Ctrl-C reaches the whole group; the parent decides, or this process would end without a word before it does.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);
        using var reader = new StreamReader(input, leaveOpen: true);
        if (reader.ReadLine() is not string line || JsonSerializer.Deserialize(line, MeasurementJson.Default.MeasureRequest) is not MeasureRequest request)
        {
            return 2;
        }
        var watch = new Thread(() => DieAtEnd(reader)) { IsBackground = true, Name = "MemLoad parent watch" };
        watch.Start();
        Vocabulary.Current = request.Words ?? Vocabulary.Current;
        LoadTimeline? timeline = null;
        // This process is here to end in place of another, and what a guard costs would be measured.
        LoadMeasurement row = MeasuredLoad.Run(request with { Load = request.Load with { MapGuard = MapGuard.None } }, measured => timeline = measured, cancellationToken);
        JsonSerializer.Serialize(output, row, MeasurementJson.Default.LoadMeasurement);
        output.Write("\n"u8);
        if (request.Timeline && timeline is not null)
        {
            output.Write(TimelineFile.Format(timeline).Span);
        }
        output.Flush();
        return 0;
    }

    private static void DieAtEnd(StreamReader reader)
    {
        while (reader.ReadLine() is not null)
        {
        }
        using var self = Process.GetCurrentProcess();
        self.Kill();
    }
}
