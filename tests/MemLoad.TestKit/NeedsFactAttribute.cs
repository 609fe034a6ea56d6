using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace MemLoad.Tests;

/// <summary>
/// A test that needs what a machine may lack. All tests of an assembly with the same need are one skipped test where it is missing.
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

/// <summary>Finds facts that need something.</summary>
/// <param name="diagnostics">Where xunit wants to hear of problems.</param>
public sealed class NeedsFactDiscoverer(IMessageSink diagnostics) : FactDiscoverer(diagnostics)
{
    /// <inheritdoc/>
    public override IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute) =>
        AbsentTestCase.Instead(DiagnosticMessageSink, discoveryOptions, testMethod, factAttribute)
        ?? base.Discover(discoveryOptions, testMethod, factAttribute);
}

/// <summary>Finds theories that need something.</summary>
/// <param name="diagnostics">Where xunit wants to hear of problems.</param>
public sealed class NeedsTheoryDiscoverer(IMessageSink diagnostics) : TheoryDiscoverer(diagnostics)
{
    /// <inheritdoc/>
    public override IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo theoryAttribute) =>
        AbsentTestCase.Instead(DiagnosticMessageSink, discoveryOptions, testMethod, theoryAttribute)
        ?? base.Discover(discoveryOptions, testMethod, theoryAttribute);
}

/// <summary>What both attributes say.</summary>
public interface INeeds
{
    /// <summary>The class that says what is needed.</summary>
    Type Need { get; }
}
