<#
.SYNOPSIS
    Runs the suite, or files of it, against output/. The process has only the modules of PowerShell, Pester and MemLoad.
.DESCRIPTION
    "dotnet test tests/Pester" runs this script for every file. This command runs one file:
    dotnet pwsh tests/Pester/run.ps1 tests/Pester/Help.Tests.ps1
.PARAMETER Path
    Files or folders of tests. The default is the whole suite.
.PARAMETER FullName
    Runs only tests whose path is like this pattern, such as '*refuses*'.
.PARAMETER Pester
    The manifest of Pester. The default is the package of the version in Directory.Packages.props, or else the newest installed Pester.
.PARAMETER ResultPath
    A file for the results, as JSON. Each test has Name, Outcome, Seconds, Message and Place.
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)][string[]]$Path = $PSScriptRoot,
    [string]$FullName,
    [string]$Pester,
    [string]$ResultPath
)

$ErrorActionPreference = 'Stop'
$root = Join-Path $PSScriptRoot ../..
$version = (Import-PowerShellDataFile (Join-Path $root module/MemLoad.psd1)).ModuleVersion
if (-not (Test-Path (Join-Path $root "output/MemLoad/$version/MemLoad.psd1"))) { throw 'Build first: dotnet build' }
if (-not $Pester) {
    $packages = $env:NUGET_PACKAGES ? $env:NUGET_PACKAGES : (Join-Path $HOME .nuget/packages)
    $pinned = ([xml](Get-Content -Raw (Join-Path $root Directory.Packages.props))).Project.PropertyGroup.PesterVersion
    $Pester = Join-Path $packages "pester/$pinned/tools/Pester.psd1"
    if (-not (Test-Path $Pester)) { $Pester = (Get-Module Pester -ListAvailable | Sort-Object Version | Select-Object -Last 1).Path }
    if (-not $Pester) { throw "Pester is missing: 'dotnet build' downloads it." }
}
Import-Module $Pester
# PSScriptAnalyzer is optional. If it is installed, the scripts must have no findings.
Get-Module PSScriptAnalyzer -ListAvailable | Select-Object -First 1 | Import-Module
$env:PSModulePath = (Join-Path $PSHOME Modules), (Resolve-Path (Join-Path $root output)) -join [IO.Path]::PathSeparator

$configuration = New-PesterConfiguration
$configuration.Run.Path = $Path
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Normal'
$configuration.Output.RenderMode = 'Plaintext'
if ($FullName) { $configuration.Filter.FullName = $FullName }
$run = Invoke-Pester -Configuration $configuration
$results = @(
    foreach ($test in $run.Tests | Where-Object Result -ne NotRun) {
        # A failed set-up fails the tests of its block, whose results do not contain its error.
        $errors = @($test.ErrorRecord)
        for ($block = $test.Block; -not $errors -and $block; $block = $block.Parent) { $errors = @($block.ErrorRecord) }
        [ordered]@{
            Name    = $test.ExpandedPath
            Outcome = "$($test.Result)"
            Seconds = $test.Duration.TotalSeconds
            Message = "$($errors[0].Exception.Message)"
            # The lines of Pester itself do not help.
            Place   = ("$($errors[0].ScriptStackTrace)" -split "`n" -notmatch 'Pester\.(psm1|ScriptScope\.ps1|ps1): line') -join "`n"
        }
    }
    # Failures outside of tests.
    foreach ($part in @($run.FailedContainers) + @($run.FailedBlocks)) {
        if (-not $part.ErrorRecord) { continue }
        [ordered]@{
            Name    = $part.ExpandedPath ? "$($part.ExpandedPath) (set-up)" : 'the file runs'
            Outcome = 'Failed'
            Seconds = 0
            Message = "$($part.ErrorRecord[0].Exception.Message)"
            Place   = "$($part.ErrorRecord[0].ScriptStackTrace)"
        }
    }
)
$results | Where-Object Outcome -eq Skipped | ForEach-Object { "SKIPPED: $($_.Name)" }
$results | Where-Object Outcome -eq Failed | ForEach-Object { "FAILED: $($_.Name): $($_.Message)" }
"PESTER $((Get-Module Pester).Version): $($run.PassedCount) passed, $($run.FailedCount) failed, $($run.SkippedCount) skipped, $($run.FailedContainersCount) files broken"
if ($ResultPath) { [IO.File]::WriteAllText($ResultPath, (ConvertTo-Json $results)) }
exit [int]($run.Result -ne 'Passed')
