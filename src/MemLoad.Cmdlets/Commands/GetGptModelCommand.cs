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
            // The name of a model is a name and not a pattern, such as that of model[1].pth.
            int[] found = Matching(models, model => model.IsNamed(name));
            bool isPattern = found.Length == 0 && WildcardPattern.ContainsWildcardCharacters(name);
            if (isPattern)
            {
                var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
                found = Matching(models, model => pattern.IsMatch(model.Name));
            }
            Array.ForEach(found, i => wanted[i] = true);
            if (found.Length == 0 && !isPattern)
            {
                WriteError(ErrorRecords.From(ModelSession.Unknown(Printable.Quote(name)), name));
            }
        }
        WriteObject(models.Where((_, i) => wanted[i]).ToArray(), enumerateCollection: true);
    }

    private static int[] Matching(LoadedGptModel[] models, Func<LoadedGptModel, bool> matches) =>
        [.. Enumerable.Range(0, models.Length).Where(i => matches(models[i]))];
}
