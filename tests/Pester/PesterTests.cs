namespace MemLoad.Pester;

/// <summary>
/// The module in a real PowerShell 7.6: every file of the suite, and each of its tests. Classes run at the same time, and most files wait
/// for processes that they start. Each class therefore has a share of the files.
/// </summary>
public sealed class PesterTests
{
    /// <summary>The first share.</summary>
    [PesterSuite("Pester", Share = 0)]
    public void Suite()
    {
    }
}

/// <summary>The second share of the suite.</summary>
public sealed class SecondPesterTests
{
    /// <summary>The second share.</summary>
    [PesterSuite("Pester", Share = 1)]
    public void Suite()
    {
    }
}

/// <summary>The third share of the suite.</summary>
public sealed class ThirdPesterTests
{
    /// <summary>The third share.</summary>
    [PesterSuite("Pester", Share = 2)]
    public void Suite()
    {
    }

    /// <summary>
    /// A part of the suite with the other major version of Pester. It shows that the suite and the example do not depend on one version.
    /// </summary>
    [PesterSuite("OtherPester", "Get-MemLoadRuntime", "GptModel", "Import-Weights", "Manifest", "Weights")]
    public void Part_of_the_suite_under_the_other_version_of_Pester()
    {
    }
}
