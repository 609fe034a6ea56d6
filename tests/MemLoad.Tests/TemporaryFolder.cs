using System.Text;

namespace MemLoad.Tests;

/// <summary>A separate folder for one test, which is deleted after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("memload-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, Fixtures.Native(name));

    /// <summary>The sorted names of all entries in it, including hidden files.</summary>
    public string[] Names =>
    [
        .. Directory.EnumerateFileSystemEntries(Path, "*", new EnumerationOptions { AttributesToSkip = 0 })
            .Select(path => System.IO.Path.GetFileName(path)).Order(StringComparer.Ordinal),
    ];

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    public string CopyFixture(string fixture, string name) => Write(name, File.ReadAllBytes(Fixtures.PathOf(fixture)));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
