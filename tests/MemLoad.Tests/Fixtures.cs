using System.Text.Json;

namespace MemLoad.Tests;

/// <summary>Files that PyTorch wrote. Each has a file with the tensors that PyTorch loads from it (<c>FILE.expected.json</c>).</summary>
internal static class Fixtures
{
    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "fixtures");

    public static string PathOf(string name) => Path.Combine(Root, Native(name));

    /// <summary>A relative path with the separator of this system, as MemLoad prints paths.</summary>
    public static string Native(string name) => name.Replace('/', Path.DirectorySeparatorChar);

    /// <summary>
    /// All fixtures with an expectation, as paths relative to <see cref="Root"/>. The folder MEMLOAD_FIXTURES can add more.
    /// </summary>
    public static TheoryData<string> All
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (string folder in new[] { Root, Environment.GetEnvironmentVariable("MEMLOAD_FIXTURES") }.OfType<string>())
            {
                foreach (string file in Directory
                        .EnumerateFiles(folder, "*.expected.json", SearchOption.AllDirectories)
                        .Order(StringComparer.Ordinal))
                {
                    data.Add(Path.GetRelativePath(Root, file[..^".expected.json".Length]));
                }
            }
            return data;
        }
    }

    public static JsonElement Expected(string name) => JsonDocument.Parse(File.ReadAllText(PathOf(name) + ".expected.json")).RootElement;
}
