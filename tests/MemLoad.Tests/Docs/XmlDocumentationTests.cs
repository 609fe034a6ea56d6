using System.Reflection;
using System.Xml.Linq;

namespace MemLoad.Tests.Docs;

/// <summary>The XML documentation of the library, as its package has it. A user sees only public members.</summary>
public sealed class XmlDocumentationTests
{
    private static readonly Assembly Library = typeof(Checkpoint).Assembly;

    private static IEnumerable<XElement> PublicMembers =>
        XDocument.Load(Path.ChangeExtension(Library.Location, ".xml")).Descendants("member")
            .Where(member => IsPublic(member.Attribute("name")!.Value));

    [Fact]
    public void A_public_member_has_one_summary()
    {
        Assert.NotEmpty(PublicMembers);
        Assert.Empty(
            from member in PublicMembers
            where member.Elements("summary").Count() > 1
            select member.Attribute("name")!.Value);
    }

    [Fact]
    public void The_documentation_of_a_public_member_refers_to_public_members_only() =>
        Assert.Empty(
            from member in PublicMembers
            from reference in member.Descendants().Attributes("cref")
            where !IsPublic(reference.Value)
            select $"{member.Attribute("name")!.Value} refers to {reference.Value}");

    // Other libraries document only public members. Overloads whose parameters are of public types are taken for public.
    private static bool IsPublic(string id)
    {
        string[] parts = id[2..].Split(['(', ',', '{', '}', ')', '@', '[']);
        string name = parts[0];
        if (!name.StartsWith("MemLoad.", StringComparison.Ordinal))
        {
            return true;
        }
        if (id[0] == 'T')
        {
            return Library.GetType(name) is { IsVisible: true };
        }
        if (parts[1..].Any(type => type.StartsWith("MemLoad.", StringComparison.Ordinal) && !IsPublic($"T:{type}")))
        {
            return false;
        }
        int dot = name.LastIndexOf('.');
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        return Library.GetType(name[..dot]) is { IsVisible: true } type
            && type.GetMember(name[(dot + 1)..].Replace('#', '.').Split('`')[0], All).Any(IsSeen);
    }

    private static bool IsSeen(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily,
        FieldInfo field => field.IsPublic,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsSeen),
        EventInfo raised => IsSeen(raised.AddMethod!),
        _ => false,
    };
}
