using System.Management.Automation;
using MemLoad.Abstractions;
using MemLoad.Completion;
using MemLoad.Errors;
using MemLoad.Models;

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
        LoadedGptModel[] models = Session.Models;
        bool[] wanted = new bool[models.Length];
        foreach (string name in Name)
        {
            var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
            bool found = false;
            for (int i = 0; i < models.Length; i++)
            {
                if (pattern.IsMatch(models[i].Name))
                {
                    found = wanted[i] = true;
                }
            }
            if (!found && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                WriteError(ErrorRecords.From(Rules.ModelUnknown.Broken($"there is no model {Printable.Quote(name)} in this session",
                    remedy: ModelSession.ListsModels), name));
            }
        }
        WriteObject(models.Where((_, i) => wanted[i]).ToArray(), enumerateCollection: true);
    }
}
