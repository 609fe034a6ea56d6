using System.ComponentModel;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace MemLoad.Pester;

/// <summary>One file of the suite. It runs once, and each test in it is reported as a test.</summary>
public sealed class PesterFileTestCase : XunitTestCase
{
    private string _pester = "";
    private string _file = "";

    /// <summary>For deserialization.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete("For deserialization only.")]
    public PesterFileTestCase()
    {
    }

    /// <summary>Creates the test case of a file with one version of Pester.</summary>
    public PesterFileTestCase(
        IMessageSink diagnostics, ITestFrameworkDiscoveryOptions options, ITestMethod method, string pester, string file)
        : base(diagnostics, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), method, [pester, file]) =>
        (_pester, _file) = (pester, file);

    /// <inheritdoc/>
    public override void Serialize(IXunitSerializationInfo data)
    {
        base.Serialize(data);
        data.AddValue(nameof(_pester), _pester);
        data.AddValue(nameof(_file), _file);
    }

    /// <inheritdoc/>
    public override void Deserialize(IXunitSerializationInfo data)
    {
        _pester = data.GetValue<string>(nameof(_pester));
        _file = data.GetValue<string>(nameof(_file));
        base.Deserialize(data);
    }

    /// <inheritdoc/>
    public override async Task<RunSummary> RunAsync(
        IMessageSink diagnosticMessageSink,
        IMessageBus messageBus,
        object[] constructorArguments,
        ExceptionAggregator aggregator,
        CancellationTokenSource cancellationTokenSource)
    {
        messageBus.QueueMessage(new TestCaseStarting(this));
        IReadOnlyList<PesterResult> results = await PesterRun.OfAsync(_pester, _file, cancellationTokenSource.Token);
        var summary = new RunSummary { Total = results.Count };
        foreach (PesterResult result in results)
        {
            var test = new XunitTest(this, $"{Path.GetFileNameWithoutExtension(_file)[..^".Tests".Length]}: {result.Name}");
            messageBus.QueueMessage(new TestStarting(test));
            messageBus.QueueMessage(Report(test, result, summary));
            messageBus.QueueMessage(new TestFinished(test, result.Seconds, result.Message));
            summary.Time += result.Seconds;
        }
        messageBus.QueueMessage(new TestCaseFinished(this, summary.Time, summary.Total, summary.Failed, summary.Skipped));
        return summary;
    }

    /// <inheritdoc/>
    protected override string GetDisplayName(IAttributeInfo factAttribute, string displayName) => $"{_file} ({PesterRun.NameOf(_pester)})";

    private static IMessageSinkMessage Report(XunitTest test, PesterResult result, RunSummary summary)
    {
        switch (result.Outcome)
        {
            case "Passed":
                return new TestPassed(test, result.Seconds, "");
            case "Skipped":
                summary.Skipped++;
                return new TestSkipped(test, result.Message);
            default:
                summary.Failed++;
                return new TestFailed(test, result.Seconds, "", [nameof(Pester)], [result.Message], [result.Place], [-1]);
        }
    }
}
