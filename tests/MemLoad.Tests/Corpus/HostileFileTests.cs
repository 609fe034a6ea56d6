using System.Diagnostics;
using MemLoad.Tests.Checkpoints;

namespace MemLoad.Tests.Corpus;

public sealed class HostileFileTests : IDisposable
{
    // The limits are generous, because an unprotected reader takes minutes and gigabytes.
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(30);
    private const long FreeBytes = 16 << 20;
    private const int BytesPerByte = 8;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Ids => [.. HostileFiles.All.Select(file => file.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void Each_is_refused_by_its_rule_in_bounded_time_and_memory_and_runs_nothing(string id)
    {
        HostileFile hostile = HostileFiles.All.Single(file => file.Id == id);
        hostile.Make(_folder.Path);
        string path = hostile.Open.Length == 0 ? _folder.Path : _folder[hostile.Open];
        long fileBytes = new DirectoryInfo(_folder.Path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

        var clock = Stopwatch.StartNew();
        long before = GC.GetAllocatedBytesForCurrentThread();
        MemLoadException refusal = CheckpointKit.Refusal(() =>
            _ = hostile.Format == HostileFile.Manifest ? WeightManifest.Read(path) : (object)Checkpoint.Open(path));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        TimeSpan elapsed = clock.Elapsed;

        Assert.True(hostile.Rule == refusal.Rule.Id, $"{refusal.Rule.Id} in the place of {hostile.Rule}: {refusal.Message}");
        Assert.True(elapsed < MostTime, $"{elapsed}");
        Assert.True(allocated <= FreeBytes + (BytesPerByte * fileBytes), $"{allocated} bytes for a file of {fileBytes}");
        Assert.False(File.Exists(PickleCorpus.Trace));
        if (hostile.Format != HostileFile.Manifest)
        {
            Assert.Equal(refusal.Rule.Id, WeightTester.Test(path).RuleId);
        }
    }

    public static TheoryData<string> PickleIds =>
        [.. HostileFiles.All.Where(file => file.Format is HostileFile.Pickle or HostileFile.Legacy).Select(file => file.Id)];

    [Theory]
    [MemberData(nameof(PickleIds))]
    public void Each_stays_within_its_bounds_and_runs_nothing_where_objects_are_allowed(string id)
    {
        HostileFile hostile = HostileFiles.All.Single(file => file.Id == id);
        hostile.Make(_folder.Path);
        string path = _folder[hostile.Open];
        long fileBytes = new FileInfo(path).Length;
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            // A file that opens has objects in place of the values that are refused without consent.
            Assert.NotEqual(0, Checkpoint.Open(path, new OpenLimits { AllowOpaque = true }).OpaqueObjects);
        }
        catch (MemLoadException e)
        {
            Assert.DoesNotContain(e.Message, char.IsControl);
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(allocated <= FreeBytes + (BytesPerByte * fileBytes), $"{allocated} bytes for a file of {fileBytes}");
        Assert.False(File.Exists(PickleCorpus.Trace));
    }

    [Fact]
    public void There_are_at_least_250_and_their_names_are_unique()
    {
        Assert.InRange(HostileFiles.All.Count, 250, int.MaxValue);
        Assert.Equal(HostileFiles.All.Count, HostileFiles.All.DistinctBy(file => file.Id).Count());
    }

    [Fact]
    public void The_files_that_they_are_made_from_are_sound()
    {
        Assert.Equal("a", Assert.Single(Checkpoint.Open(_folder.Write("x.pth", ZipForge.Torch())).Tensors).Name);
        Assert.Equal("a", Assert.Single(Checkpoint.Open(_folder.Write("x.safetensors", SafetensorsCorpus.Sound)).Tensors).Name);
        Assert.Equal("a", Assert.Single(Checkpoint.Open(_folder.Write("x.gguf", GgufCorpus.Sound)).Tensors).Name);
        Assert.Equal("a", Assert.Single(WeightManifest.Read(_folder.Write("x.manifest.json", ManifestCorpus.Sound)).Tensors).Name);
        DistributedForge.Sound().Write(Directory.CreateDirectory(_folder["distributed"]).FullName);
        Assert.Equal("a", Assert.Single(Checkpoint.Open(_folder["distributed"]).Tensors).Name);
        byte[] wide = ZipForge.Torch(zip => zip.Zip64 = (n, l, o, at) => ZipForge.Zip64End(n, l, o, at));
        Assert.Equal("a", Assert.Single(Checkpoint.Open(_folder.Write("wide.pth", wide)).Tensors).Name);
    }
}
