using Xunit.Abstractions;
using Xunit.Sdk;

namespace MemLoad.Pester;

/// <summary>
/// Makes a test case of each file of the suite. Filter by the file's name: <c>dotnet test tests/Pester --filter
/// DisplayName~Get-LoadPlan</c>.
/// </summary>
/// <param name="pester">Which Pester: the name of the metadata of this assembly that has its path.</param>
/// <param name="files">Names of files, without <c>.Tests.ps1</c>; all of them, if there are none.</param>
[XunitTestCaseDiscoverer("MemLoad.Pester.PesterSuiteDiscoverer", "MemLoad.Pester")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class PesterSuiteAttribute(string pester, params string[] files) : FactAttribute
{
    public string Pester { get; } = pester;

    public IReadOnlyList<string> Files { get; } = files;

    /// <summary>Into how many shares the files are split where none is named.</summary>
    public const int Shares = 3;

    /// <summary>Where no files are named: which share of them, from 0. The files are dealt out in turn.</summary>
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
