namespace MemLoad.Pester;

/// <summary>The module in a real PowerShell 7.6: every file of the suite, and each of its tests.</summary>
public sealed class PesterTests
{
    /// <summary>The suite.</summary>
    [PesterSuite("Pester")]
    public void Suite()
    {
    }

    /// <summary>A part of it again, under the other major version of Pester: that the suite and the example do not depend on one.</summary>
    [PesterSuite("OtherPester", "Completion", "Get-LoadPlan", "Get-MemLoadRuntime", "GptModel", "Import-Weights", "Manifest", "Weights")]
    public void Part_of_the_suite_under_the_other_version_of_Pester()
    {
    }
}
