using System.Text.Json;
using System.Text.Json.Serialization;

namespace MemLoad;

/// <summary>
/// How fast this machine does what plans are made of, for one device: a few constants measured by <see cref="SpeedMeasurement"/> and kept in the
/// cache folder until they are a month old.
/// </summary>
public sealed record MachineSpeed
{
    private const long MostBytes = 1 << 20; // of the file; ours has two thousand

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

    /// <summary>Where the figures for a device are kept.</summary>
    /// <exception cref="MemLoadException">ML9111: there is no cache folder.</exception>
    public static string PathFor(string device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Path.Combine(GeneratedCheckpoint.Folder, $"speed-{HostFacts.HostName}-{device.ToLowerInvariant().Replace(':', '-')}.json");
    }

    /// <summary>The figures for a device, if they were measured on this machine by this version not long ago; else null.</summary>
    public static MachineSpeed? Known(string device)
    {
        try
        {
            using CheckpointFileReader file = CheckpointFileReader.Open(PathFor(device));
            return file.Length <= MostBytes
                && JsonSerializer.Deserialize(file.ReadBytes(0, file.Length), MachineSpeedJson.Default.MachineSpeed) is { Nanoseconds: not null } speed && speed.IsOfNow() ? speed : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or MemLoadException)
        {
            return null; // not there, not whole, not ours: measured again
        }
    }

    /// <summary>The figures for a device; measured now, once, if they are not known yet.</summary>
    /// <param name="device">The device's name.</param>
    /// <param name="budgetBytes">Host memory that the measurement may use a part of; null for no limit.</param>
    /// <param name="cancellationToken">Stops the measurement.</param>
    /// <exception cref="MemLoadException">The device is not here, or memory ran out.</exception>
    public static MachineSpeed Ensure(string device, long? budgetBytes, CancellationToken cancellationToken = default)
    {
        if (Known(device) is MachineSpeed known)
        {
            return known;
        }
        MachineSpeed measured = SpeedMeasurement.Run(device, budgetBytes, cancellationToken);
        measured.TrySave();
        return measured;
    }

    internal static string Key(Work work, long ringBytes = 0) => ringBytes > 0 ? FormattableString.Invariant($"{work}{ringBytes}") : work.ToString();

    /// <summary>Nanoseconds of some work; 0 for what this device never does.</summary>
    internal double this[Work work, long ringBytes = 0] => Nanoseconds.GetValueOrDefault(Key(work, ringBytes));

    private bool IsOfNow() =>
        HostName == HostFacts.HostName && ProcessorName == HostFacts.ProcessorName && ModuleVersion == HostFacts.ModuleVersion
        && MeasuredAt <= DateTimeOffset.Now && DateTimeOffset.Now - MeasuredAt < Expiry && Nanoseconds.Values.All(double.IsFinite);

    // Where it cannot be kept, it is measured again next time.
    private void TrySave()
    {
        try
        {
            Directory.CreateDirectory(GeneratedCheckpoint.Folder);
            string path = WriteTarget.ForFile(PathFor(Device), overwrite: true);
            byte[] figures = JsonSerializer.SerializeToUtf8Bytes(this, MachineSpeedJson.Default.MachineSpeed);
            using var file = AtomicFile.Create(path, overwrite: true, figures.Length);
            RandomAccess.Write(file.Handle, figures, 0);
            RandomAccess.FlushToDisk(file.Handle);
            file.Commit();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or MemLoadException)
        {
        }
    }
}

/// <summary>How the figures are written.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(MachineSpeed))]
internal sealed partial class MachineSpeedJson : JsonSerializerContext;
