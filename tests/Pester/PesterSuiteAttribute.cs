using Xunit.Abstractions;
using Xunit.Sdk;

namespace MemLoad.Pester;

/// <summary>
/// Creates a test case per file of the suite. Filter by the file's name: <c>dotnet test tests/Pester --filter DisplayName~Get-LoadPlan</c>.
/// </summary>
/// <param name="pester">The version of Pester: the name of the metadata of this assembly that has its path.</param>
/// <param name="files">The names of files, without <c>.Tests.ps1</c>; empty for all files.</param>
[XunitTestCaseDiscoverer("MemLoad.Pester.PesterSuiteDiscoverer", "MemLoad.Pester")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class PesterSuiteAttribute(string pester, params string[] files) : FactAttribute
{
    public string Pester { get; } = pester;

    public IReadOnlyList<string> Files { get; } = files;

    /// <summary>The number of shares that the files are divided into if no file is named.</summary>
    public const int Shares = 3;

    /// <summary>The number of the share, from 0, if no file is named. Consecutive files belong to consecutive shares.</summary>
    public int Share { get; set; }
}

/// <summary>Finds the files.</summary>
/// <param name="diagnostics">Where xunit wants to hear of problems.</param>
public sealed class PesterSuiteDiscoverer(IMessageSink diagnostics) : IXunitTestCaseDiscoverer
{
    /// <inheritdoc/>
    public IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute)
    {
        var suite = (PesterSuiteAttribute)((IReflectionAttributeInfo)factAttribute).Attribute;
        IEnumerable<string> files =
            suite.Files.Count > 0
                ? suite.Files.Select(name => $"{name}.Tests.ps1")
                : Directory
                    .EnumerateFiles(PesterRun.Folder, "*.Tests.ps1")
                    .Select(path => Path.GetFileName(path)!)
                    .Order(StringComparer.Ordinal)
                    .Where((_, i) => i % PesterSuiteAttribute.Shares == suite.Share);
        return files.Select(file => new PesterFileTestCase(diagnostics, discoveryOptions, testMethod, suite.Pester, file));
    }
}
