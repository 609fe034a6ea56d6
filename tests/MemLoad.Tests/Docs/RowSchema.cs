using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Json.Schema;
using MemLoad.Cli;

namespace MemLoad.Tests;

/// <summary>docs/row.schema.json: its required content, and whether rows satisfy it.</summary>
internal static partial class RowSchema
{
    private static readonly string[] Required =
        ["Strategy", "Device", "Outcome", "Status", "Run", "HostName", "StartedAt", "ModuleVersion", "SchemaVersion"];

    private static readonly Lazy<JsonSchema> Published = new(() => JsonSchema.FromText(File.ReadAllText(Path)));

    public static string Path => System.IO.Path.Combine(Repository.Root, "docs/row.schema.json");

    /// <summary>Validates every row of a measurement in this process or in its child processes, in every test.</summary>
    [ModuleInitializer]
    internal static void Watch() => LoadMeasurement.Finished = row =>
        Assert.Empty(ProblemsOf(JsonSerializer.SerializeToNode(row, JsonOutput.Types.LoadMeasurement)));

    /// <summary>Fails if a program that measured printed JSON or CSV rows that are not valid.</summary>
    /// <param name="args">The arguments of the program.</param>
    /// <param name="output">The output of the program.</param>
    public static void RequireValid(string[] args, string output)
    {
        if (!args.Contains("measure"))
        {
            return;
        }
        if (args.Contains("json") && (output.StartsWith('[') || output.StartsWith('{')))
        {
            JsonNode printed = JsonNode.Parse(output)!;
            foreach (JsonNode row in printed is JsonArray rows ? rows.OfType<JsonNode>() : [printed])
            {
                Assert.Empty(ProblemsOf(row));
            }
        }
        else if (args.Contains("csv") && output.StartsWith(nameof(LoadMeasurement.Strategy), StringComparison.Ordinal))
        {
            using var folder = new TemporaryFolder();
            foreach (LoadMeasurement row in RowFile.Read(folder.Write("rows.csv", output)))
            {
                Assert.Empty(ProblemsOf(JsonSerializer.SerializeToNode(row, JsonOutput.Types.LoadMeasurement)));
            }
        }
    }

    /// <summary>Returns the places of a row that are not valid, each with its reason.</summary>
    public static IReadOnlyList<string> ProblemsOf(JsonNode? row)
    {
        EvaluationResults found = Published.Value.Evaluate(
            JsonSerializer.SerializeToElement(row),
            new EvaluationOptions { OutputFormat = Json.Schema.OutputFormat.List, RequireFormatValidation = true });
        return found.IsValid ? []
            : [.. (found.Details ?? []).Where(detail => detail.Errors is not null)
                .Select(detail => $"{detail.InstanceLocation}: {string.Join("; ", detail.Errors!.Values)}")];
    }

    /// <summary>
    /// Returns the text of the schema from the type of the rows and from docs/rows.md, which has the meaning of each column.
    /// </summary>
    public static string Text()
    {
        string page = File.ReadAllText(System.IO.Path.Combine(Repository.Root, "docs/rows.md"));
        string section = page.Split("\n## ").Single(part => part.StartsWith("A measured load", StringComparison.Ordinal));
        Dictionary<string, Match> described = TableRow().Matches(section).ToDictionary(row => row.Groups["column"].Value);
        var properties = new JsonObject();
        foreach (var property in typeof(LoadMeasurement).GetProperties())
        {
            Match row = described[property.Name];
            properties[property.Name] = Column(
                property.Name, property.PropertyType, row.Groups["unit"].Value.Trim(), row.Groups["text"].Value.Trim());
        }
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "A measured load of MemLoad",
            ["description"] =
                "One row of 'memload measure --format json' and of 'Measure-LoadMemory | ConvertTo-Json'. Null means that a value is "
                + "not known. A later version can add columns. SchemaVersion changes if the meaning of a column changes.",
            ["type"] = "object",
            ["required"] = new JsonArray([.. Required.Select(name => (JsonNode)name)]),
            ["properties"] = properties,
        };
        return schema.ToJsonString(new JsonSerializerOptions
        {
            WriteIndented = true,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }) + "\n";
    }

    private static JsonObject Column(string name, Type type, string unit, string text)
    {
        bool always = Required.Contains(name);
        var column = new JsonObject { ["description"] = $"{MarkUp().Replace(text, "$1")} Unit: {unit}." };
        string? json = type == typeof(string) || type == typeof(DateTimeOffset) ? "string"
            : type == typeof(bool?) ? "boolean"
            : type == typeof(int) || type == typeof(long?) || type == typeof(int?) ? "integer" : null;
        Assert.True(json is not null, $"{name} has the type {type}, which rows do not have");
        column["type"] = always ? json : new JsonArray(json, "null");
        string[]? words = name switch
        {
            "Outcome" => Enum.GetNames<LoadOutcome>(),
            "Status" => Enum.GetNames<RowStatus>(),
            "ChosenStrategy" => Enum.GetNames<Strategy>(),
            "Format" => Enum.GetNames<CheckpointFormat>(),
            "Cache" => Enum.GetNames<CacheState>(),
            _ => null,
        };
        if (words is not null)
        {
            column["enum"] = new JsonArray([.. words.Select(word => (JsonNode?)word), .. always ? Array.Empty<JsonNode?>() : [null]]);
        }
        if (type == typeof(DateTimeOffset))
        {
            column["format"] = "date-time";
        }
        if (name is "WeightsDigest" or "ManifestDigest")
        {
            column["pattern"] = "^[0-9a-f]{64}$";
        }
        if (json == "integer" && !name.EndsWith("Permille", StringComparison.Ordinal))
        {
            column["minimum"] = name is "Run" or "SchemaVersion" ? 1 : 0;
        }
        return column;
    }

    // The marks of code, and the addresses of links.
    [GeneratedRegex(@"`|\[(\w+)\]\([^)]*\)")]
    private static partial Regex MarkUp();

    [GeneratedRegex(
        @"^\| `(?<column>\w+)` \|(?<unit>[^|\n]+)\|[^|\n]+\|(?<text>[^|\n]+)\|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex TableRow();
}
