using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>
/// How fast this machine does what plans are made of, for one device: a few constants measured by <see cref="SpeedMeasurement"/> and kept in the
/// cache folder until they are a month old.
/// </summary>
internal sealed record MachineSpeed
{
    private const long MostBytes = 1 << 20; // of the file; ours has two thousand

    private static readonly ConcurrentDictionary<string, MachineSpeed> Unkept = new(StringComparer.Ordinal);
    private static readonly TimeSpan Expiry = TimeSpan.FromDays(30);

    /// <summary>The device's name.</summary>
    public required string Device { get; init; }

    /// <summary>The machine: a cache folder may be shared by many.</summary>
    public required string HostName { get; init; }

    /// <summary>Its processor; with another, the figures are void.</summary>
    public string? ProcessorName { get; init; }

    /// <summary>The MemLoad that measured; another may do the same work in another time.</summary>
    public required string ModuleVersion { get; init; }

    /// <summary>When it was measured.</summary>
    public required DateTimeOffset MeasuredAt { get; init; }

    /// <summary>Nanoseconds for a byte (for a step under <c>Step</c>), by kind of work; reads through the ring also by the ring's bytes.</summary>
    public required IReadOnlyDictionary<string, double> Nanoseconds { get; init; }

    /// <summary>Why these are the figures of another machine, for people; null if they were measured here.</summary>
    [JsonIgnore]
    public string? Obstacle { get; private init; }

    /// <summary>Where the figures for a device are kept.</summary>
    /// <exception cref="MemLoadException">ML9111: there is no cache folder.</exception>
    public static string PathFor(string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Path.Combine(CacheFolder.Path, $"speed-{HostFacts.HostName}-{device.ToLowerInvariant().Replace(':', '-')}.json");
    }

    /// <summary>The figures for a device, if they were measured on this machine by this version not long ago; else null.</summary>
    public static MachineSpeed? Known(string device)
    {
        try
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(PathFor(device));
            if (file.Length <= MostBytes
                && JsonSerializer.Deserialize(file.ReadBytes(0, file.Length), MachineSpeedJson.Default.MachineSpeed) is { Nanoseconds: not null } speed && speed.IsOfNow())
            {
                return speed;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or MemLoadException)
        {
            // Not there, not whole, not ours: measured again.
        }
        return Unkept.TryGetValue(UnkeptKey(device), out MachineSpeed? measured) && measured.IsOfNow() ? measured : null;
    }

    /// <summary>The figures for a device; measured now, once, if they are not known yet.</summary>
    /// <param name="device">The device's name.</param>
    /// <param name="budgetBytes">Host memory that the measurement may use a part of; null for no limit.</param>
    /// <param name="cancellationToken">Stops the measurement.</param>
    /// <returns>The figures; those of another machine, with <see cref="Obstacle"/>, where nothing can be written to measure with.</returns>
    /// <exception cref="MemLoadException">The device is not here, or memory ran out.</exception>
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
            // No file can be written here, and the choice is still to be made.
            MachineSpeed typical = Typical(device, (e as MemLoadException)?.Finding ?? e.Message.TrimEnd('.'));
            Unkept[UnkeptKey(device)] = typical;
            return typical;
        }
    }

    // By the folder as well: another one may take the file.
    private static string UnkeptKey(string device)
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

    internal static string Key(Work work, long ringBytes = 0) => ringBytes > 0 ? FormattableString.Invariant($"{work}{ringBytes}") : work.ToString();

    /// <summary>Nanoseconds of some work; 0 for what this device never does.</summary>
    internal double this[Work work, long ringBytes = 0] => Nanoseconds.GetValueOrDefault(Key(work, ringBytes));

    private bool IsOfNow() =>
        HostName == HostFacts.HostName && ProcessorName == HostFacts.ProcessorName && ModuleVersion == HostFacts.ModuleVersion
        && MeasuredAt <= DateTimeOffset.Now && DateTimeOffset.Now - MeasuredAt < Expiry && Nanoseconds.Values.All(double.IsFinite);

    private static bool IsOfDisk(MemLoadException e) => e.Rule == Rules.DiskFull || e.Rule == Rules.TargetUnwritable || e.Rule == Rules.WriteFailed || e.Rule == Rules.CacheUnusable
        || e.Rule == Rules.PathNotFound || e.Rule == Rules.PathUnreadable;

    // Of a server of 2026 (AMD EPYC, memory file system). What matters is how they compare with one another.
    private static MachineSpeed Typical(string device, string obstacle) => new()
    {
        Device = device.ToLowerInvariant(),
        HostName = HostFacts.HostName,
        ProcessorName = HostFacts.ProcessorName,
        ModuleVersion = HostFacts.ModuleVersion,
        MeasuredAt = DateTimeOffset.Now,
        Obstacle = obstacle,
        Nanoseconds = new Dictionary<string, double>(StringComparer.Ordinal)
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
    };

    // Where it cannot be kept in a file, it is kept for this process.
    private void TrySave()
    {
        try
        {
            Directory.CreateDirectory(CacheFolder.Path);
            string path = WriteTarget.ForFile(PathFor(Device), overwrite: true);
            byte[] figures = JsonSerializer.SerializeToUtf8Bytes(this, MachineSpeedJson.Default.MachineSpeed);
            using var file = AtomicFile.Create(path, overwrite: true, figures.Length);
            RandomAccess.Write(file.Handle, figures, 0);
            DiskRequests.FlushFile(file.Handle);
            file.Commit();
        }
        catch (Exception e) when (WriteFailures.IsFailure(e) || e is MemLoadException)
        {
            Unkept[UnkeptKey(Device)] = this;
        }
    }
}

/// <summary>How the figures are written.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(MachineSpeed))]
internal sealed partial class MachineSpeedJson : JsonSerializerContext;
