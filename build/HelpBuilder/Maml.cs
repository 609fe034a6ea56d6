using System.Globalization;
using System.Xml.Linq;

namespace MemLoad.Help;

/// <summary>Writes the XML that Get-Help reads.</summary>
internal static class Maml
{
    private static readonly XNamespace MamlNs = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace CommandNs = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace DevNs = "http://schemas.microsoft.com/maml/dev/2004/10";
    private static readonly XNamespace Msh = "http://msh";

    public static XDocument Document(IEnumerable<XElement> commands) => new(
        new XElement(
            Msh + "helpItems",
            new XAttribute("schema", "maml"),
            new XAttribute(XNamespace.Xmlns + "maml", MamlNs),
            new XAttribute(XNamespace.Xmlns + "command", CommandNs),
            new XAttribute(XNamespace.Xmlns + "dev", DevNs),
            commands));

    public static XElement Command(CmdletShape cmdlet, HelpPage page)
    {
        var described = page.Parameters.ToDictionary(parameter => parameter.Title[1..]);
        return new XElement(
            CommandNs + "command",
            new XElement(
                CommandNs + "details",
                new XElement(CommandNs + "name", cmdlet.Name),
                new XElement(CommandNs + "verb", cmdlet.Verb),
                new XElement(CommandNs + "noun", cmdlet.Noun),
                Description(page.Synopsis)),
            Description(page.Description),
            new XElement(CommandNs + "syntax", cmdlet.Sets.Select(set => new XElement(
                CommandNs + "syntaxItem",
                new XElement(MamlNs + "name", cmdlet.Name),
                cmdlet.ParametersOf(set).Select(parameter => Parameter(parameter, described))))),
            new XElement(CommandNs + "parameters", cmdlet.Parameters.DistinctBy(parameter => parameter.Name)
                .OrderBy(parameter => parameter.Name, StringComparer.Ordinal).Select(parameter => Parameter(parameter, described))),
            new XElement(CommandNs + "inputTypes", page.Inputs.Select(item => Typed("inputType", item))),
            new XElement(CommandNs + "returnValues", page.Outputs.Select(item => Typed("returnValue", item))),
            new XElement(CommandNs + "examples", page.Examples.Select(Example)),
            new XElement(CommandNs + "relatedLinks", page.Links.Select(link =>
                new XElement(MamlNs + "navigationLink", new XElement(MamlNs + "linkText", link), new XElement(MamlNs + "uri")))));
    }

    private static XElement Parameter(ParameterShape parameter, Dictionary<string, HelpItem> described) =>
        new(
            CommandNs + "parameter",
            new XAttribute("required", parameter.Mandatory ? "true" : "false"),
            new XAttribute("variableLength", parameter.IsArray ? "true" : "false"),
            new XAttribute("globbing", parameter.Wildcards ? "true" : "false"),
            new XAttribute("pipelineInput", parameter.Pipeline),
            new XAttribute("position", parameter.Position?.ToString(CultureInfo.InvariantCulture) ?? "named"),
            new XAttribute("aliases", parameter.Aliases),
            new XElement(MamlNs + "name", parameter.Name),
            Description(Text(parameter, described.GetValueOrDefault(parameter.Name))),
            parameter.IsSwitch
                ? null
                : new XElement(
                    CommandNs + "parameterValue",
                    new XAttribute("required", "true"),
                    new XAttribute("variableLength", parameter.IsArray ? "true" : "false"),
                    parameter.TypeName),
            new XElement(DevNs + "type", new XElement(MamlNs + "name", parameter.TypeName), new XElement(MamlNs + "uri")),
            new XElement(
                DevNs + "defaultValue",
                described.GetValueOrDefault(parameter.Name)?.Default
                    ?? (
                        parameter.IsSwitch ? "False"
                        : parameter.Default.Length > 0 ? parameter.Default
                        : "None")));

    private static string Text(ParameterShape parameter, HelpItem? item) =>
        (item?.Description ?? "") + (parameter.Accepted.Count > 0 ? $"\n\nAccepted values: {string.Join(", ", parameter.Accepted)}." : "");

    private static XElement Example(HelpItem item)
    {
        string[] parts = item.Text.Split("```", 3);
        string code = parts.Length == 3 ? parts[1][(parts[1].IndexOf('\n', StringComparison.Ordinal) + 1)..].TrimEnd() : "";
        return new XElement(
            CommandNs + "example",
            new XElement(MamlNs + "title", item.Title),
            new XElement(DevNs + "code", code),
            new XElement(DevNs + "remarks", Paragraphs(parts[^1].Trim())));
    }

    private static XElement Typed(string element, HelpItem item) => new(
        CommandNs + element,
        new XElement(DevNs + "type", new XElement(MamlNs + "name", item.Title)),
        Description(item.Text));

    private static XElement Description(string text) => new(MamlNs + "description", Paragraphs(text));

    // Get-Help shows text as it is: backticks would be noise.
    private static IEnumerable<XElement> Paragraphs(string text) =>
        text.Split("\n\n")
            .Select(paragraph => new XElement(MamlNs + "para", paragraph.Replace("`", "", StringComparison.Ordinal).Replace('\n', ' ')));
}
