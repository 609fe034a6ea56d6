using System.Diagnostics;
using Xunit.Abstractions;

namespace MemLoad.Tests.PowerShell;

/// <summary>The module in a real PowerShell: runs tests/Pester as one test, where PowerShell and Pester are installed.</summary>
public sealed class PesterSuiteTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    // Prints both versions, or nothing where one is missing.
    private const string FindPester =
        "$p = Get-Module Pester -ListAvailable | Sort-Object Version -Descending | Select-Object -First 1; \"$($PSVersionTable.PSVersion)|$($p.Version)\"";

    // Part of the test's name, so that a plain run says why it skipped it and what to install.
    private const string Needed = $"(needs PowerShell 7.6 and Pester 5.7: {InstallPowerShell}; {InstallPester})";
    private const string InstallPowerShell = "dotnet tool install --global PowerShell";
    private const string InstallPester = "pwsh -Command Install-PSResource Pester -Version '[5.7,6.0)' -TrustRepository";

    [SkippableFact(DisplayName = "The module passes its Pester suite " + Needed)]
    public void The_module_passes_its_Pester_suite()
    {
        string? missing = WhatIsMissing();
        Skip.If(missing is not null, missing);
        string suite = Path.Combine(Repository.Root, "tests", "Pester", "run.ps1");
        (int code, string text) = Run("-File", suite);
        output.WriteLine(text);
        string[] lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string closing = lines.LastOrDefault(line => line.StartsWith("PESTER: ", StringComparison.Ordinal)) ?? "Pester did not finish";
        Assert.True(code == 0, string.Join('\n', [closing, .. lines.Where(line => line.StartsWith("FAILED: ", StringComparison.Ordinal)), .. code == 0 ? [] : lines.TakeLast(40)]));
    }

    private static string? WhatIsMissing()
    {
        (int code, string versions) result;
        try
        {
            result = Run("-Command", FindPester);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return $"PowerShell 7.6 is not installed: {InstallPowerShell}, or https://aka.ms/powershell";
        }
        string[] versions = result.versions.Trim().Split('|');
        if (!Version.TryParse(versions[0].Split('-')[0], out Version? shell) || shell < new Version(7, 6))
        {
            return $"PowerShell 7.6 or newer is needed, '{versions[0]}' is installed: https://aka.ms/powershell";
        }
        return versions.Length < 2 || !Version.TryParse(versions[1], out Version? pester) || pester < new Version(5, 7)
            ? $"Pester 5.7 or newer is not installed: {InstallPester}"
            : null;
    }

    private static (int Code, string Output) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("pwsh", ["-NoLogo", "-NoProfile", "-NonInteractive", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The test host's own settings are not those of a user's PowerShell.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("DOTNET_", StringComparison.Ordinal)
            || name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }
        start.Environment["NO_COLOR"] = "1";
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> text = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
        }
        return (process.ExitCode, text.GetAwaiter().GetResult() + error.GetAwaiter().GetResult());
    }
}
