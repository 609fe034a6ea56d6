#!/usr/bin/env pwsh

<#
.SYNOPSIS
    Times a new "pwsh -NoProfile" that imports the module, and one that also makes its first plan or measures its first row.
.PARAMETER Path
    A small checkpoint, so that the times are those of the program.
.PARAMETER Module
    The manifests of the modules to time, such as that of an installed package; by default the output of the build.
.PARAMETER Repeat
    The number of rounds. Each command runs once per round.
.OUTPUTS
    One row per module and step: the median time until the step in milliseconds, and its difference from that of a pwsh that only starts.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$Path,
    [string[]]$Module = (Join-Path $PSScriptRoot ../output/MemLoad/*/MemLoad.psd1),
    [ValidateRange(1, 1000)][int]$Repeat = 11
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$file = (Resolve-Path $Path).Path
$pwsh = @([Environment]::ProcessPath)
# A .NET tool runs in dotnet.
if ((Split-Path -LeafBase $pwsh[0]) -eq 'dotnet') { $pwsh += Join-Path $PSHOME pwsh.dll }
$pwsh += '-NoLogo', '-NoProfile', '-NonInteractive', '-Command'

$runs = @([pscustomobject]@{ Until = 'the start'; Module = $null; Command = 'exit'; Times = [Collections.Generic.List[double]]::new() })
# A shell passes several values as one text.
foreach ($manifest in (Resolve-Path $Module.Split(',')).Path) {
    $steps = [ordered]@{
        'the import'     = ''
        'the first plan' = "; `$null = Get-LoadPlan '$file' -Strategy Stream"
        'the first row'  = "; `$null = Measure-LoadMemory '$file' -Strategy Stream -Device cpu"
    }
    foreach ($step in $steps.GetEnumerator()) {
        $command = "Import-Module '$manifest'$($step.Value)"
        $times = [Collections.Generic.List[double]]::new()
        $runs += [pscustomobject]@{ Until = $step.Key; Module = $manifest; Command = $command; Times = $times }
    }
}
foreach ($round in 0..$Repeat) {
    foreach ($run in $runs) {
        $program, $arguments = $pwsh + $run.Command
        $watch = [Diagnostics.Stopwatch]::StartNew()
        & $program @arguments
        # The first round only fills caches.
        if ($round -gt 0) { $run.Times.Add($watch.Elapsed.TotalMilliseconds) }
    }
}
foreach ($run in $runs) {
    $median = ($run.Times | Sort-Object)[[int][Math]::Floor($Repeat / 2)]
    $start ??= $median
    [pscustomobject]@{
        Until              = $run.Until
        MedianMilliseconds = [Math]::Round($median)
        OverStartOnly      = [Math]::Round($median - $start)
        Module             = $run.Module
    }
}
