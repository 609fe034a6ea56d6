using System.Collections.Concurrent;
using System.ComponentModel;
using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace MemLoad.Tests;

/// <summary>
/// Represents all tests of an assembly whose need is not met. It is one skipped test, whose name states their number and the reason.
/// </summary>
public sealed class AbsentTestCase : XunitTestCase
{
    private static readonly ConcurrentDictionary<Type, Need> Needs = new();

    private string _name = "";

    /// <summary>For deserialization.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete("For deserialization only.")]
    public AbsentTestCase()
    {
    }

    private AbsentTestCase(IMessageSink diagnostics, ITestFrameworkDiscoveryOptions options, ITestMethod method, string name)
        : base(diagnostics, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), method) => _name = name;

    /// <summary>
    /// Returns the test cases that replace a test whose need is not met: none, or this one. Returns null if the need is met.
    /// </summary>
    internal static IEnumerable<IXunitTestCase>? Instead(
        IMessageSink diagnostics, ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo attribute)
    {
        Type type = ((INeeds)((IReflectionAttributeInfo)attribute).Attribute).Need;
        Need need = Needs.GetOrAdd(type, static type => (Need)Activator.CreateInstance(type)!);
        if (need.WhyNot is not string reason)
        {
            return null;
        }
        MethodInfo[] all = MethodsThatNeed(type, ((IReflectionTypeInfo)method.TestClass.Class).Type.Assembly);
        if (all[0] != ((IReflectionMethodInfo)method.Method).MethodInfo)
        {
            return [];
        }
        string name = $"{all.Length} {(all.Length == 1 ? "test that needs" : "tests that need")} {need.Name} ({reason})";
        return
        [
            need.IsAskedFor
                ? new ExecutionErrorTestCase(
                    diagnostics,
                    options.MethodDisplayOrDefault(),
                    options.MethodDisplayOptionsOrDefault(),
                    method,
                    $"Requested, but not available: {name}")
                : new AbsentTestCase(diagnostics, options, method, name),
        ];
    }

    /// <inheritdoc/>
    public override void Serialize(IXunitSerializationInfo data)
    {
        base.Serialize(data);
        data.AddValue(nameof(_name), _name);
    }

    /// <inheritdoc/>
    public override void Deserialize(IXunitSerializationInfo data)
    {
        _name = data.GetValue<string>(nameof(_name));
        base.Deserialize(data);
    }

    /// <inheritdoc/>
    protected override string GetDisplayName(IAttributeInfo factAttribute, string displayName) => _name;

    /// <inheritdoc/>
    protected override string GetSkipReason(IAttributeInfo factAttribute) => _name;

    private static MethodInfo[] MethodsThatNeed(Type need, Assembly assembly) =>
    [
        .. assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttributes().OfType<INeeds>().Any(attribute => attribute.Need == need))
            .OrderBy(method => $"{method.DeclaringType!.FullName}.{method.Name}", StringComparer.Ordinal),
    ];
}
