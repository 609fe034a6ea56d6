#!/usr/bin/env pwsh

<#
.SYNOPSIS
    Compares the time of memload convert to safetensors with cp on the same disk, and with PyTorch if it is installed.
.DESCRIPTION
    The contenders run in turns. Each writes a new file into the folder of the checkpoint. Before each run, the script removes old copies,
    waits until the disk is idle, and waits until the host of a virtual machine has taken back the memory that was freed. memload convert
    flushes its output to the disk before it ends. It is therefore compared with "cp, sync", because "cp" alone leaves its copy in memory.
.PARAMETER Path
    A .pth checkpoint. The disk needs room for a second one.
.PARAMETER Program
    The memload program. The default is that of "dotnet build -c Release".
.PARAMETER Repeat
    The number of rounds.
.OUTPUTS
    One row per contender: the median, the fastest and the slowest time in milliseconds, and the ratio of the median to that of "cp, sync".
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$Path,
    [string]$Program = (Join-Path $PSScriptRoot ../src/MemLoad.Cli/bin/Release/net10.0/memload),
    [ValidateRange(1, 100)][int]$Repeat = 5
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$source = (Resolve-Path $Path).Path
$copy = Join-Path (Split-Path $source) "convert-speed-$PID"
$python = $env:MEMLOAD_PYTHON ? $env:MEMLOAD_PYTHON : 'python3'
$save = 'import sys, os, torch, safetensors.torch as st; st.save_file(torch.load(sys.argv[1], weights_only=True, mmap=True), sys.argv[2]); os.sync()'
$contenders = [ordered]@{
    'cp'       = { /usr/bin/cp $source "$copy.pth" }
    'cp, sync' = { /usr/bin/cp $source "$copy.pth"; /usr/bin/sync "$copy.pth" }
    'memload'  = { & $Program convert --path $source --out "$copy.safetensors" --force 2>$null >$null }
}
$PSNativeCommandUseErrorActionPreference = $false
$hasTorch = Get-Command $python -ErrorAction Ignore
if ($hasTorch) {
    & $python -c 'import torch, safetensors.torch' 2>$null
    $hasTorch = $LASTEXITCODE -eq 0
}
if ($hasTorch) { $contenders['PyTorch'] = { & $python -c $save $source "$copy.safetensors" } }
$PSNativeCommandUseErrorActionPreference = $true

$times = @{}
try {
    foreach ($round in 1..$Repeat) {
        foreach ($name in $contenders.Keys) {
            Remove-Item "$copy.*"
            /usr/bin/sync
            & $Program inspect --hash --path $source --format csv >$null 2>$null   # in the page cache
            Start-Sleep 3
            $times[$name] += @((Measure-Command $contenders[$name]).TotalMilliseconds)
        }
    }
} finally { Remove-Item "$copy.*" }

$median = @{}
foreach ($name in $contenders.Keys) { $median[$name] = ($times[$name] | Sort-Object)[[int][Math]::Floor($Repeat / 2)] }
foreach ($name in $contenders.Keys) {
    $measured = $times[$name] | Measure-Object -Minimum -Maximum
    [pscustomobject]@{
        Contender           = $name
        MedianMilliseconds  = [int]$median[$name]
        FastestMilliseconds = [int]$measured.Minimum
        SlowestMilliseconds = [int]$measured.Maximum
        TimesAsFastAsCpSync = [Math]::Round($median['cp, sync'] / $median[$name], 2)
    }
}
