using System.IO.Compression;
using System.Xml.Linq;

namespace MemLoad.Tests.Packaging;

public sealed class LibraryPackageTests(LibraryPackage package) : IClassFixture<LibraryPackage>
{
    private static readonly string Example = Path.Combine(Repository.Root, "examples", "CSharp", "Memory");

    [SkippableFact]
    public void The_package_has_the_library_its_documentation_and_its_dependencies_and_nothing_else()
    {
        LibraryPackage.SkipWithoutSdk();
        using ZipArchive archive = ZipFile.OpenRead(package.File);
        string[] files =
        [
            .. archive
                .Entries.Select(entry => entry.FullName)
                .Where(name =>
                    !name.StartsWith("_rels/", StringComparison.Ordinal)
                    && !name.StartsWith("package/", StringComparison.Ordinal)
                    && name != "[Content_Types].xml")
                .Order(StringComparer.Ordinal),
        ];
        Assert.Equal(["MemLoad.Core.nuspec", "README.md", "lib/net10.0/MemLoad.Core.dll", "lib/net10.0/MemLoad.Core.xml"], files);

        using Stream stream = archive.GetEntry("MemLoad.Core.nuspec")!.Open();
        XElement metadata = XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
        string? Text(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value;
        Assert.Equal("MIT", Text("license"));
        Assert.Equal("README.md", Text("readme"));
        Assert.Equal("The MemLoad developers", Text("authors"));
        Assert.NotEqual("Package Description", Text("description"));
        Assert.Contains("safetensors", Text("tags"), StringComparison.Ordinal);
        // The project has no address.
        Assert.Null(Text("projectUrl"));
        Assert.Equal(
            ["System.IO.Hashing", "System.Numerics.Tensors"],
            metadata
                .Descendants()
                .Where(element => element.Name.LocalName == "dependency")
                .Select(element => element.Attribute("id")!.Value)
                .Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    public void The_example_of_the_library_runs_on_the_package()
    {
        LibraryPackage.SkipWithoutSdk();
        string program = package.BuildExample("Memory");
        // The library must come from the package. A library of the repository would be in the same folder.
        string library = Path.Combine(Path.GetDirectoryName(program)!, "MemLoad.Core.dll");
        using (ZipArchive archive = ZipFile.OpenRead(package.File))
        using (var packed = new MemoryStream())
        {
            archive.GetEntry("lib/net10.0/MemLoad.Core.dll")!.Open().CopyTo(packed);
            Assert.Equal(packed.ToArray(), File.ReadAllBytes(library));
        }

        string path = Fixtures.PathOf("tiny/fp32.safetensors");
        string[] lines = LibraryPackage.Dotnet(program, path).TrimEnd().Split('\n', StringSplitOptions.TrimEntries);
        var checkpoint = Checkpoint.Open(path);
        Assert.Matches(@"^Forecast: \w+ needs \d+ bytes of memory and maps \d+\.$", lines[0]);
        Assert.Equal(checkpoint.Tensors.Count(tensor => tensor.DType == DType.Float32), lines.Length - 1);
        Assert.All(lines[1..], line => Assert.Matches(@"^[\w.]+ \[[\d, ]*\] begins with -?[\d.E-]+$", line));
        Assert.Contains(lines, line => line.StartsWith("tok_emb.weight [", StringComparison.Ordinal));
    }

    [Fact]
    public void The_package_describes_itself_with_the_program_of_the_example()
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "src", "MemLoad.Core", "README.md"));
        Assert.Contains($"```csharp\n{File.ReadAllText(Path.Combine(Example, "Program.cs"))}```\n", text, StringComparison.Ordinal);
        Assert.Contains(
            $"Include=\"MemLoad.Core\" Version=\"{typeof(Checkpoint).Assembly.GetName().Version!.ToString(3)}\"",
            File.ReadAllText(Path.Combine(Example, "Memory.csproj")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Elements_are_read_only_by_a_type_of_their_size()
    {
        float[] values = [1, 2, 3, 4, 5, 6];
        unsafe
        {
            fixed (float* first = values)
            {
                var tensor = new HostTensor(DType.Float32, [2, 3], (nint)first);
                Assert.Equal(values, tensor.AsSpan<float>().ToArray());
                InvalidOperationException wrong = Assert.Throws<InvalidOperationException>(() => _ = tensor.AsSpan<double>().Length);
                Assert.Contains("float32 has 4 bytes, and Double has 8", wrong.Message, StringComparison.Ordinal);
                Assert.Throws<OverflowException>(() => _ = (tensor with { Shape = [1L << 31, 2] }).AsSpan<float>().Length);
            }
        }
    }
}
