using System.Management.Automation;
using MemLoad.Abstractions;
using MemLoad.Completion;

namespace MemLoad.Commands;

/// <summary>Lists the models of this session.</summary>
[Cmdlet(VerbsCommon.Get, "GptModel")]
[OutputType(typeof(LoadedGptModel))]
public sealed class GetGptModelCommand : MemLoadCmdlet
{
    /// <summary>Names of models; wildcards are allowed.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(ModelCompleter))]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        WildcardPattern[] patterns = [.. Name.Select(name => new WildcardPattern(name, WildcardOptions.IgnoreCase))];
        WriteObject(Session.Models.Where(model => patterns.Any(pattern => pattern.IsMatch(model.Name))).ToArray(), enumerateCollection: true);
    }
}
