using System.Globalization;
using System.Reflection;

namespace MemLoad.Help;

/// <summary>A parameter in one of its sets.</summary>
internal sealed record ParameterShape(
    string Name,
    string Set,
    string TypeName,
    bool IsSwitch,
    bool IsArray,
    bool Mandatory,
    int? Position,
    string Pipeline,
    bool Wildcards,
    string Aliases)
{
    /// <summary>The value that it has where none is given, as one would type it; empty where there is none.</summary>
    public string Default { get; init; } = "";

    /// <summary>The words that it takes, where they are a closed list.</summary>
    public IReadOnlyList<string> Accepted { get; init; } = [];
}

/// <summary>A cmdlet as its attributes describe it.</summary>
internal sealed record CmdletShape(string Verb, string Noun, string DefaultSet, IReadOnlyList<ParameterShape> Parameters)
{
    private const string Everywhere = "__AllParameterSets";

    public string Name => $"{Verb}-{Noun}";

    /// <summary>The parameter sets, the default one first.</summary>
    public IEnumerable<string> Sets
    {
        get
        {
            string[] sets = [.. Parameters.Select(parameter => parameter.Set).Where(set => set != Everywhere).Distinct()];
            return sets.Length == 0 ? [Everywhere] : sets.OrderBy(set => set == DefaultSet ? 0 : 1);
        }
    }

    /// <summary>The parameters of one set: mandatory and positional ones first, as they would be typed.</summary>
    public IEnumerable<ParameterShape> ParametersOf(string set) => Parameters
        .Where(parameter => parameter.Set == set || parameter.Set == Everywhere)
        .OrderBy(parameter => parameter.Position ?? int.MaxValue)
        .ThenBy(parameter => parameter.Mandatory ? 0 : 1);

    public static IEnumerable<CmdletShape> AllIn(Assembly assembly) => assembly.GetExportedTypes()
        .Where(type => !type.IsAbstract && Find(type, "CmdletAttribute") is not null)
        .Select(Of)
        .OrderBy(cmdlet => cmdlet.Name, StringComparer.Ordinal);

    private static CmdletShape Of(Type type)
    {
        CustomAttributeData cmdlet = Find(type, "CmdletAttribute")!;
        // Nothing but what its properties begin with is asked of it.
        object fresh = Activator.CreateInstance(type)!;
        var parameters = type.GetProperties().SelectMany(property => Of(property, fresh)).ToList();
        if (Named(cmdlet, "SupportsShouldProcess") is true)
        {
            parameters.AddRange(
                ((string[])["WhatIf", "Confirm"]).Select(name => new ParameterShape(
                    name, Everywhere, "SwitchParameter", true, false, false, null, "False", false, name == "WhatIf" ? "wi" : "cf")));
        }
        return new CmdletShape(
            (string)cmdlet.ConstructorArguments[0].Value!,
            (string)cmdlet.ConstructorArguments[1].Value!,
            Named(cmdlet, "DefaultParameterSetName") as string ?? Everywhere,
            parameters);
    }

    private static IEnumerable<ParameterShape> Of(PropertyInfo property, object cmdlet)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        string aliases = Find(property, "AliasAttribute") is CustomAttributeData alias
            ? string.Join(
                ", ", ((IEnumerable<CustomAttributeTypedArgument>)alias.ConstructorArguments[0].Value!).Select(name => name.Value))
            : "none";
        foreach (CustomAttributeData parameter in property
                .GetCustomAttributesData()
                .Where(data => data.AttributeType.Name == "ParameterAttribute"))
        {
            string[] pipeline =
            [
                .. Named(parameter, "ValueFromPipeline") is true ? (string[])["ByValue"] : [],
                .. Named(parameter, "ValueFromPipelineByPropertyName") is true ? (string[])["ByPropertyName"] : [],
            ];
            yield return new ParameterShape(
                property.Name,
                Named(parameter, "ParameterSetName") as string ?? Everywhere,
                type.Name,
                type.Name == "SwitchParameter",
                type.IsArray,
                Named(parameter, "Mandatory") is true,
                Named(parameter, "Position") as int?,
                pipeline.Length > 0 ? $"True ({string.Join(", ", pipeline)})" : "False",
                Find(property, "SupportsWildcardsAttribute") is not null,
                aliases)
            {
                Default = Named(parameter, "Mandatory") is true ? "" : Typed(property.GetValue(cmdlet)),
                Accepted = AcceptedBy(property, type),
            };
        }
    }

    // As one would type it. A switch that is not given and an empty list are no values.
    private static string Typed(object? value) => value switch
    {
        null => "",
        string text => text,
        Array several => string.Join(", ", several.Cast<object?>().Select(Typed)),
        Enum or int or long or double => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
        _ => "",
    };

    private static string[] AcceptedBy(PropertyInfo property, Type type)
    {
        Type element = type.IsArray ? type.GetElementType()! : type;
        return element.IsEnum ? element.GetEnumNames()
            : Find(property, "ValidateSetAttribute") is CustomAttributeData set
                ? [.. ((IEnumerable<CustomAttributeTypedArgument>)set.ConstructorArguments[0].Value!).Select(word => (string)word.Value!)]
                : [];
    }

    private static CustomAttributeData? Find(MemberInfo member, string attribute) =>
        member.GetCustomAttributesData().FirstOrDefault(data => data.AttributeType.Name == attribute);

    private static object? Named(CustomAttributeData attribute, string name) =>
        attribute.NamedArguments.FirstOrDefault(argument => argument.MemberName == name).TypedValue.Value;
}
