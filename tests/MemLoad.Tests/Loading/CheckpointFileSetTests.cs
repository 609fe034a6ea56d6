using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Loading;

/// <summary>
/// A checkpoint of more files than are open at once: those that had to make room are held to what they were as much as the open ones.
/// </summary>
public sealed class CheckpointFileSetTests(CheckpointFileSetTests.Folder folder) : IClassFixture<CheckpointFileSetTests.Folder>
{
    private const int Files = 140;

    // The first to make room, one that makes room later, one that stays open to the end.
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(Files - 1)]
    public void A_file_that_was_written_to_after_it_was_read_is_noticed_wherever_it_came(int changed)
    {
        Skip.If(OperatingSystem.IsWindows(), "nobody writes to a file there that is open for reading");
        Checkpoint checkpoint = folder.OpenSettled();
        using var files = new CheckpointFileSet();

        var error = Assert.Throws<MemLoadException>(() =>
        {
            for (int i = 0; i < Files; i++)
            {
                _ = files[checkpoint.Files[i]].ReadBytes(0, 8);
                if (i == changed)
                {
                    File.AppendAllText(checkpoint.Files[changed].Path, "x");
                }
            }
            files.RequireUnchanged();
        });

        Assert.Equal(("ML1006", checkpoint.Files[changed].Path), (error.Rule.Id, error.Path));
    }

    [Fact]
    public void A_file_that_was_written_to_after_it_made_room_is_not_opened_again()
    {
        Checkpoint checkpoint = folder.OpenSettled();
        using var files = new CheckpointFileSet();
        for (int i = 0; i < Files; i++)
        {
            _ = files[checkpoint.Files[i]];
        }
        File.AppendAllText(checkpoint.Files[0].Path, "x");

        Assert.Equal("ML1006", Assert.Throws<MemLoadException>(() => files[checkpoint.Files[0]]).Rule.Id);
    }

    /// <summary>A file for each tensor.</summary>
    public sealed class Folder : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Checkpoint OpenSettled()
        {
            var source = new MemorySource();
            for (int i = 0; i < Files; i++)
            {
                source.Add($"t{i:d3}", DType.Int16, 3);
            }
            CheckpointWriter.Write(source, _folder["x"], CheckpointFormat.PerTensor, overwrite: true);
            foreach (string file in Directory.EnumerateFiles(_folder["x"]))
            {
                File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(-1)); // what is written from here on bears another time
            }
            return Checkpoint.Open(_folder["x"]);
        }

        public void Dispose() => _folder.Dispose();
    }
}
