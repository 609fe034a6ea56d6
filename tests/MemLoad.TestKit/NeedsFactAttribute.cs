using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace MemLoad.Tests;

/// <summary>
/// A test that needs a resource that a machine may not have. If it is missing, all tests of an assembly with the same need are one skipped
/// test.
/// </summary>
/// <param name="need">A class derived from <see cref="Need"/>.</param>
[XunitTestCaseDiscoverer("MemLoad.Tests.NeedsFactDiscoverer", "MemLoad.TestKit")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class NeedsFactAttribute(Type need) : FactAttribute, INeeds
{
    /// <inheritdoc/>
    public Type Need { get; } = need;
}

/// <summary>As <see cref="NeedsFactAttribute"/>, for a theory.</summary>
/// <param name="need">A class derived from <see cref="Need"/>.</param>
[XunitTestCaseDiscoverer("MemLoad.Tests.NeedsTheoryDiscoverer", "MemLoad.TestKit")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class NeedsTheoryAttribute(Type need) : TheoryAttribute, INeeds
{
    /// <inheritdoc/>
    public Type Need { get; } = need;
}

/// <summary>Discovers facts with a need.</summary>
/// <param name="diagnostics">Where xunit wants to hear of problems.</param>
public sealed class NeedsFactDiscoverer(IMessageSink diagnostics) : FactDiscoverer(diagnostics)
{
    /// <inheritdoc/>
    public override IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute) =>
        AbsentTestCase.Instead(DiagnosticMessageSink, discoveryOptions, testMethod, factAttribute)
        ?? base.Discover(discoveryOptions, testMethod, factAttribute);
}

/// <summary>Discovers theories with a need.</summary>
/// <param name="diagnostics">Where xunit wants to hear of problems.</param>
public sealed class NeedsTheoryDiscoverer(IMessageSink diagnostics) : TheoryDiscoverer(diagnostics)
{
    /// <inheritdoc/>
    public override IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo theoryAttribute) =>
        AbsentTestCase.Instead(DiagnosticMessageSink, discoveryOptions, testMethod, theoryAttribute)
        ?? base.Discover(discoveryOptions, testMethod, theoryAttribute);
}

/// <summary>The common property of both attributes.</summary>
public interface INeeds
{
    /// <summary>The class of the need.</summary>
    Type Need { get; }
}
