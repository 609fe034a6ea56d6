#!/usr/bin/env pwsh
# What importing the module adds to a bare "pwsh -NoProfile": medians of ten each, taken in turns so that both see the same machine.
[CmdletBinding()]
param([int]$Repeat = 10, [int]$LimitMilliseconds = 150)

$ErrorActionPreference = 'Stop'
$version = (Import-PowerShellDataFile (Join-Path $PSScriptRoot ../module/MemLoad.psd1)).ModuleVersion
$manifest = (Resolve-Path (Join-Path $PSScriptRoot "../output/MemLoad/$version/MemLoad.psd1")).Path
$pwsh, $first = @([Environment]::ProcessPath)
# A tool of .NET runs in dotnet.
if ((Split-Path -LeafBase $pwsh) -eq 'dotnet') { $first = Join-Path $PSHOME pwsh.dll }

function Measure-Start([string]$Command) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    & $pwsh @(@($first) -ne $null) -NoLogo -NoProfile -NonInteractive -Command $Command
    $watch.Elapsed.TotalMilliseconds
}
function Get-Median([double[]]$Value) { $sorted = $Value | Sort-Object; ($sorted[[int][math]::Floor(($sorted.Count - 1) / 2)] + $sorted[[int][math]::Ceiling(($sorted.Count - 1) / 2)]) / 2 }

$null = Measure-Start 'exit'
$bare, $with = @(), @()
1..$Repeat | ForEach-Object {
    $bare += Measure-Start 'exit'
    $with += Measure-Start "Import-Module '$manifest'; exit"
}
$added = [long]((Get-Median $with) - (Get-Median $bare))
[pscustomobject]@{
    BareMilliseconds   = [long](Get-Median $bare)
    ImportMilliseconds = [long](Get-Median $with)
    AddedMilliseconds  = $added
    LimitMilliseconds  = $LimitMilliseconds
    Within             = $added -le $LimitMilliseconds
}
