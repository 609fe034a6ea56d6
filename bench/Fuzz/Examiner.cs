using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MemLoad.Fuzz;

/// <summary>The result for an input.</summary>
/// <param name="Rule">The rule that refused it; null if it was opened.</param>
/// <param name="Finding">The unexpected result; null if there is none.</param>
internal sealed record Outcome(string? Rule, string? Finding);

/// <summary>Opens inputs in separate folders and examines the results. For use by one thread.</summary>
internal sealed partial class Examiner : IDisposable
{
    private const long FreeBytes = 16 << 20;
    private const int BytesPerByte = 8;
    private const long MostLoaded = 1 << 22;
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(1);

    private readonly string _folder;
    private readonly bool _watchesTime;
    private readonly Dictionary<object, Place> _places = new(ReferenceEqualityComparer.Instance);

    /// <param name="scratch">The parent of the folder, preferably a file system in memory.</param>
    /// <param name="watchesTime">Whether a duration above one second is a finding. On Linux it is processor time. On other systems it is
    /// wall time, which requires a machine without other work.</param>
    public Examiner(string scratch, bool watchesTime = true)
    {
        _watchesTime = watchesTime;
        _folder = Path.Combine(scratch, $"memload-fuzz-{Environment.ProcessId}-{Guid.NewGuid():n}");
        Directory.CreateDirectory(_folder);
    }

    /// <summary>A file system in memory if there is one, otherwise a folder on the disk.</summary>
    public static string DefaultScratch { get; } = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    /// <summary>Writes and opens an input.</summary>
    /// <param name="input">The input.</param>
    /// <param name="deep">If it opens, also load, digest and test it.</param>
    public Outcome Examine(FuzzInput input, bool deep)
    {
        string path = Write(input);
        TimeSpan start = Clock();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Checkpoint? checkpoint = null;
        string? rule = null;
        string? finding = null;
        try
        {
            checkpoint = Checkpoint.Open(path);
        }
        catch (MemLoadException e)
        {
            rule = e.Rule.Id;
            finding = e.Rule == Rules.Unexpected || e.Message.Contains('\n', StringComparison.Ordinal) ? e.ToString() : null;
        }
#pragma warning disable CA1031 // Every other exception is a finding.
        catch (Exception e)
#pragma warning restore CA1031
        {
            finding = e.ToString();
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        TimeSpan elapsed = Clock() - start;
        finding ??= allocated > FreeBytes + (BytesPerByte * input.Bytes) ? $"{allocated} bytes allocated for {input.Bytes}" : null;
        finding ??= _watchesTime && elapsed > Long && OpenAgain(path) > Long ? $"opening took {elapsed}, and again over a second" : null;
        if (checkpoint is not null && deep && finding is null)
        {
            finding = Deep(checkpoint, path);
        }
        return new Outcome(rule, finding);
    }

    /// <summary>Returns one line per tensor with name, dtype, shape and SHA-256.</summary>
    public static IEnumerable<string> Lines(Checkpoint checkpoint)
    {
        foreach (TensorEntry tensor in checkpoint.Tensors)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            if (tensor.ElementCount > 0)
            {
                checkpoint.StreamElements(tensor, hash.AppendData);
            }
            yield return string.Join(
                '\t',
                tensor.Name,
                tensor.DType.TorchName(),
                string.Join(',', tensor.Shape),
                Convert.ToHexStringLower(hash.GetHashAndReset()));
        }
    }

    public static bool IsSmall(Checkpoint checkpoint) =>
        checkpoint.Tensors.All(tensor => tensor.Bytes <= MostLoaded) && checkpoint.Tensors.Sum(tensor => tensor.Bytes) <= MostLoaded;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string? Deep(Checkpoint checkpoint, string path)
    {
        if (!IsSmall(checkpoint))
        {
            return null;
        }
        try
        {
            string digest = WeightsDigest.Of(checkpoint);
            using (LoadedModel loaded = WeightLoader.Load(new LoadRequest { Path = path, Strategy = Strategy.Stream, Device = "cpu" }))
            {
                string inMemory = WeightsDigest.Of(loaded.Weights);
                if (inMemory != digest)
                {
                    return $"the file has the digest {digest}, what was loaded {inMemory}";
                }
            }
            WeightVerdict verdict = WeightTester.Test(path, deep: true);
            // The bytes of a record that no tensor uses can have any value, because opening does not read them.
            return verdict.RuleId is null or "ML2016" ? null : $"opened, loaded, and then unsound: {verdict.RuleId} {verdict.Finding}";
        }
        catch (MemLoadException e) when (e.Rule != Rules.Unexpected)
        {
            // A file without tensors opens, but has nothing to load.
            return checkpoint.Tensors.IsEmpty ? null : $"opened and not loaded: {e.Message}";
        }
#pragma warning disable CA1031
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e.ToString();
        }
    }

    // Opens the input again, because other work of the machine can cause a delay of a second.
    private static TimeSpan OpenAgain(string path)
    {
        TimeSpan start = Clock();
        try
        {
            Checkpoint.Open(path);
        }
        catch (MemLoadException)
        {
        }
        return Clock() - start;
    }

    // The time that the processor gave this thread. Other programs do not change it.
    private static TimeSpan Clock() =>
        OperatingSystem.IsLinux() && ClockGetTime(ThreadTime, out TimeSpec time) == 0
            ? new TimeSpan((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick))
            : Stopwatch.GetElapsedTime(0);

    // Mutations of one checkpoint share a folder. Only files with another content than before are written.
    private string Write(FuzzInput input)
    {
        if (!_places.TryGetValue(input.Origin, out Place? place))
        {
            place = new Place(Path.Combine(_folder, $"{_places.Count}"), new Dictionary<string, byte[]>(StringComparer.Ordinal));
            Directory.CreateDirectory(place.Folder);
            _places.Add(input.Origin, place);
        }
        foreach (string name in place.Contents.Keys.Where(name => !input.Files.Any(file => file.Name == name)).ToArray())
        {
            File.Delete(Path.Combine(place.Folder, name));
            place.Contents.Remove(name);
        }
        foreach (FuzzFile file in input.Files)
        {
            if (!ReferenceEquals(place.Contents.GetValueOrDefault(file.Name), file.Content))
            {
                File.WriteAllBytes(Path.Combine(place.Folder, file.Name), file.Content);
                place.Contents[file.Name] = file.Content;
            }
        }
        return input.PathIn(place.Folder);
    }

    private sealed record Place(string Folder, Dictionary<string, byte[]> Contents);

    private const int ThreadTime = 3; // CLOCK_THREAD_CPUTIME_ID

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ClockGetTime(int clock, out TimeSpec time);
}
