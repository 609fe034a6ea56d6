using MemLoad.Tests.Writing;

namespace MemLoad.Tests.Loading;

/// <summary>
/// A checkpoint with more files than can be open at a time. Files that were closed to limit their number are checked for changes like open
/// files.
/// </summary>
public sealed class CheckpointFileSetTests(CheckpointFileSetTests.Folder folder) : IClassFixture<CheckpointFileSetTests.Folder>
{
    private const int Files = 140;

    // The file that is closed first, a file that is closed later, and a file that stays open.
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(Files - 1)]
    public void A_file_that_was_written_to_after_it_was_read_is_noticed_at_any_position(int changed)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows does not write to a file that is open for reading");
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
    public void A_file_that_was_written_to_after_it_was_closed_is_not_opened_again()
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

    /// <summary>One file per tensor.</summary>
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
                File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(-1)); // later writes give the file another time
            }
            return Checkpoint.Open(_folder["x"]);
        }

        public void Dispose() => _folder.Dispose();
    }
}
