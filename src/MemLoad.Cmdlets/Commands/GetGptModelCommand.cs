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
            int[] found = [.. Enumerable.Range(0, models.Length).Where(i => pattern.IsMatch(models[i].Name))];
            Array.ForEach(found, i => wanted[i] = true);
            if (found.Length == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
            {
                WriteError(ErrorRecords.From(ModelSession.Unknown(Printable.Quote(name)), name));
            }
        }
        WriteObject(models.Where((_, i) => wanted[i]).ToArray(), enumerateCollection: true);
    }
}
