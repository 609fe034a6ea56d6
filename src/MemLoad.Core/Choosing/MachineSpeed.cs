using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json;

namespace MemLoad;

/// <summary>
/// The speed of this machine for the work of plans on one device. It is a few constants that <see cref="SpeedMeasurement"/> measures. They
/// are kept in the cache folder for a month.
/// </summary>
internal sealed record MachineSpeed
{
    private const long MostBytes = 1 << 20; // the limit of the file's length; a normal file has two thousand bytes

    private static readonly ConcurrentDictionary<string, MachineSpeed> InMemory = new(StringComparer.Ordinal);
    private static readonly TimeSpan Expiry = TimeSpan.FromDays(30);
    private static readonly JsonRules TextRules =
        new(Rules.CacheUnusable, Rules.CacheUnusable, Rules.CacheUnusable, Rules.CacheUnusable);

    public required string Device { get; init; }

    /// <summary>The name of the machine: several machines may share a cache folder.</summary>
    public required string HostName { get; init; }

    /// <summary>Its processor. With another processor the figures are not valid.</summary>
    public string? ProcessorName { get; init; }

    /// <summary>The version of MemLoad that measured. Another version may do the same work in a different time.</summary>
    public required string ModuleVersion { get; init; }
    public required DateTimeOffset MeasuredAt { get; init; }

    /// <summary>
    /// Nanoseconds per byte (per step for <c>Step</c>), by kind of work. Reads through the ring also depend on the length of the ring.
    /// </summary>
    public required IReadOnlyDictionary<string, double> Nanoseconds { get; init; }

    /// <summary>Why these are the figures of another machine, for messages; null if they were measured on this machine.</summary>
    public string? Obstacle { get; private init; }

    /// <summary>Returns the path of the figures for a device.</summary>
    /// <exception cref="MemLoadException">ML9111: there is no cache folder.</exception>
    public static string PathFor(string device) =>
        Path.Combine(CacheFolder.Path, $"speed-{HostFacts.HostName}-{device.ToLowerInvariant().Replace(':', '-')}.json");

    /// <summary>Returns the figures for a device if this version measured them on this machine recently; else null.</summary>
    public static MachineSpeed? Known(string device)
    {
        try
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(PathFor(device));
            if (file.Length <= MostBytes && Parse(file.ReadBytes(0, file.Length), file.Path) is MachineSpeed speed && speed.IsCurrent())
            {
                return speed;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or MemLoadException)
        {
            // The file does not exist, is incomplete, or is not a file of MemLoad: the speed is measured again.
        }
        return InMemory.TryGetValue(InMemoryKey(device), out MachineSpeed? measured) && measured.IsCurrent() ? measured : null;
    }

    /// <summary>Returns the devices of requests that need a speed which is not known. Choosing a plan needs it.</summary>
    public static IEnumerable<string> Unknown(IEnumerable<LoadRequest> requests) =>
        requests.Where(request => request.Strategy == Strategy.Auto && Known(request.Device) is null).Select(request => request.Device);

    /// <summary>
    /// Returns the figures for a device. If they are not known yet, they are measured with a part of the host memory of the budget; null
    /// for no limit.
    /// </summary>
    /// <returns>The figures. If no file can be written to measure with, they are those of another machine, with <see
    /// cref="Obstacle"/>.</returns>
    /// <exception cref="MemLoadException">The device is not available, or memory ran out.</exception>
    public static MachineSpeed Ensure(string device, long? budgetBytes, CancellationToken cancellationToken = default)
    {
        if (Known(device) is MachineSpeed known)
        {
            return known;
        }
        try
        {
            MachineSpeed measured = SpeedMeasurement.Run(device, budgetBytes, cancellationToken);
            measured.TrySave();
            return measured;
        }
        catch (Exception e) when (WriteFailures.IsFailure(e) || (e is MemLoadException broken && IsOfDisk(broken)))
        {
            // No file can be written here, but a plan must still be chosen.
            MachineSpeed typical = Typical(device, (e as MemLoadException)?.Finding ?? SystemReason.Of(e));
            InMemory[InMemoryKey(device)] = typical;
            return typical;
        }
    }

    // The key includes the folder, because another folder may be writable.
    private static string InMemoryKey(string device)
    {
        try
        {
            return PathFor(device);
        }
        catch (MemLoadException)
        {
            return device.ToLowerInvariant();
        }
    }

    internal static string Key(Work work, long ringBytes = 0) =>
        ringBytes > 0 ? FormattableString.Invariant($"{work}{ringBytes}") : work.ToString();

    /// <summary>Returns the nanoseconds per byte of some work; 0 for work that this device never does.</summary>
    internal double this[Work work, long ringBytes = 0] => Nanoseconds.GetValueOrDefault(Key(work, ringBytes));

    private bool IsCurrent() =>
        HostName == HostFacts.HostName && ProcessorName == HostFacts.ProcessorName && ModuleVersion == HostFacts.ModuleVersion
        && MeasuredAt <= DateTimeOffset.Now && DateTimeOffset.Now - MeasuredAt < Expiry;

    private static bool IsOfDisk(MemLoadException e) =>
        e.Rule == Rules.DiskFull || e.Rule == Rules.TargetUnwritable || e.Rule == Rules.WriteFailed || e.Rule == Rules.CacheUnusable
        || e.Rule == Rules.PathNotFound || e.Rule == Rules.PathUnreadable;

    // Figures of a server of 2026 (AMD EPYC, file system in memory). Only their proportions matter.
    private static MachineSpeed Typical(string device, string obstacle) => Now(
        device,
        new Dictionary<string, double>(StringComparer.Ordinal)
        {
            [Key(Work.ReadInPlace)] = 0.19,
            [Key(Work.ReadInPlaceCold)] = 0.32,
            [Key(Work.CopyOnHostFresh)] = 0.3,
            [Key(Work.CopyOnHost)] = 0.06,
            [Key(Work.Release)] = 0.02,
            [Key(Work.Initialise)] = 0.6,
            [Key(Work.Step)] = 2500,
            [Key(Work.CopyToDeviceFresh)] = 0.3,
            [Key(Work.CopyToDevice)] = 0.2,
            [Key(Work.CopyOnDeviceFresh)] = 0.54,
            [Key(Work.CopyOnDevice)] = 0.47,
            [Key(Work.CopyMapped)] = 0.69,
            [Key(Work.CopyMappedCold)] = 1.1,
            [Key(Work.ReadThroughRingCold)] = 0.5,
            [Key(Work.ReadThroughRing, 64L << 20)] = 0.37,
            [Key(Work.ReadThroughRing, 16L << 20)] = 0.33,
            [Key(Work.ReadThroughRing, 4L << 20)] = 0.33,
            [Key(Work.ReadThroughRing, 1L << 20)] = 0.33,
        },
        obstacle);

    /// <summary>Returns figures of this moment.</summary>
    internal static MachineSpeed Now(string device, IReadOnlyDictionary<string, double> nanoseconds, string? obstacle = null) => new()
    {
        Device = device.ToLowerInvariant(),
        HostName = HostFacts.HostName,
        ProcessorName = HostFacts.ProcessorName,
        ModuleVersion = HostFacts.ModuleVersion,
        MeasuredAt = RowTime.Now,
        Nanoseconds = nanoseconds,
        Obstacle = obstacle,
    };

    // If no file can keep them, they are kept for this process.
    private void TrySave()
    {
        try
        {
            Directory.CreateDirectory(CacheFolder.Path);
            string path = WriteTarget.ForFile(PathFor(Device), overwrite: true);
            AtomicFile.Write(path, Format(), overwrite: true, CancellationToken.None);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e) || e is MemLoadException)
        {
            InMemory[InMemoryKey(Device)] = this;
        }
    }

    // Each plan reads the file. The code that a serializer generates would first have to be compiled for each type.
    private static MachineSpeed? Parse(byte[] text, string path)
    {
        const string Figure = nameof(Nanoseconds) + ".";
        Dictionary<string, object?> values = StrictJson.ReadScalars(text, TextRules, FileBudget.Unlimited(path));
        var nanoseconds = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach ((string name, object? value) in values)
        {
            if (!name.StartsWith(Figure, StringComparison.Ordinal))
            {
                continue;
            }
            if (value is not (long or double))
            {
                return null;
            }
            nanoseconds.Add(name[Figure.Length..], Convert.ToDouble(value, CultureInfo.InvariantCulture));
        }
        return TextOf(nameof(Device)) is string device
            && TextOf(nameof(HostName)) is string host
            && TextOf(nameof(ModuleVersion)) is string version
            && TextOf(nameof(MeasuredAt)) is string measuredAt
            && RowTime.TryRead(measuredAt, out DateTimeOffset time)
            && nanoseconds.Count > 0
            ? new MachineSpeed
            {
                Device = device,
                HostName = host,
                ProcessorName = TextOf(nameof(ProcessorName)),
                ModuleVersion = version,
                MeasuredAt = time,
                Nanoseconds = nanoseconds,
            }
            : null;

        string? TextOf(string name) => values.GetValueOrDefault(name) as string;
    }

    private ReadOnlySpan<byte> Format()
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString(nameof(Device), Device);
            json.WriteString(nameof(HostName), HostName);
            json.WriteString(nameof(ProcessorName), ProcessorName);
            json.WriteString(nameof(ModuleVersion), ModuleVersion);
            json.WriteString(nameof(MeasuredAt), RowTime.Text(MeasuredAt));
            json.WriteStartObject(nameof(Nanoseconds));
            foreach ((string work, double nanoseconds) in Nanoseconds)
            {
                json.WriteNumber(work, nanoseconds);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return text.WrittenSpan;
    }
}
