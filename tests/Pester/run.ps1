# Runs the suite against output/, in a process that knows no modules but PowerShell's own, Pester and ours.
[CmdletBinding()]
param([string[]]$Path = $PSScriptRoot, [string]$ResultPath)

$ErrorActionPreference = 'Stop'
$version = (Import-PowerShellDataFile (Join-Path $PSScriptRoot ../../module/MemLoad.psd1)).ModuleVersion
$pester = Get-Module Pester -ListAvailable | Where-Object Version -ge 5.7 | Sort-Object Version -Descending | Select-Object -First 1
if (-not $pester) { throw 'Pester 5.7 or newer is needed: Install-PSResource Pester -Version "[5.7,6.0)"' }
if (-not (Test-Path (Join-Path $PSScriptRoot "../../output/MemLoad/$version/MemLoad.psd1"))) { throw 'Build first: dotnet build MemLoad.sln' }
Import-Module $pester.Path
# Optional: where it is installed, our scripts must please it.
Get-Module PSScriptAnalyzer -ListAvailable | Select-Object -First 1 | Import-Module
$env:PSModulePath = (Join-Path $PSHOME Modules), (Resolve-Path (Join-Path $PSScriptRoot ../../output)) -join [IO.Path]::PathSeparator

$configuration = New-PesterConfiguration
$configuration.Run.Path = $Path
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Normal'
$configuration.Output.RenderMode = 'Plaintext'
if ($ResultPath) {
    $configuration.TestResult.Enabled = $true
    $configuration.TestResult.OutputPath = $ResultPath
}
$result = Invoke-Pester -Configuration $configuration
$result.Skipped | ForEach-Object { "SKIPPED: $($_.ExpandedPath)" }
$result.Failed | ForEach-Object { "FAILED: $($_.ExpandedPath): $($_.ErrorRecord[0].Exception.Message)" }
"PESTER: $($result.PassedCount) passed, $($result.FailedCount) failed, $($result.SkippedCount) skipped, $($result.FailedContainersCount) files broken"
exit [int]($result.Result -ne 'Passed')
