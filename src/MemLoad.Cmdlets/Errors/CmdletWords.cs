namespace MemLoad.Errors;

/// <summary>The words of messages for settings and commands in PowerShell.</summary>
internal static class CmdletWords
{
    public static readonly Vocabulary Vocabulary = Vocabulary.From(
        setting => "-" + setting.ToString(),
        act => act switch
        {
            Act.Convert => "Convert-Weights{0}",
            Act.Inspect => "Get-WeightInfo{0}",
            Act.Load => "Import-Weights{0}",
            Act.Manifest => "New-WeightManifest{0}",
            Act.Measure => "Measure-LoadMemory{0}",
            Act.Plan => "Get-LoadPlan{0}",
            Act.Runtime => "Get-MemLoadRuntime{0}",
            Act.Test => "Test-Weights{0}",
            _ => throw new ArgumentOutOfRangeException(nameof(act)),
        });
}
