#!/usr/bin/env pwsh

<#
.SYNOPSIS
    Runs the notebook on memory-efficient weight loading, cell by cell, with the cmdlets of MemLoad.
.EXAMPLE
    ./examples/notebook.ps1
    This command uses a small model.
.EXAMPLE
    ./examples/notebook.ps1 -Size gpt2-xl
    This command uses the size of the notebook. It needs 13 GiB of memory and 7 GiB of disk space.
#>
[CmdletBinding()]
param(
    [ValidateSet('gpt2-small', 'gpt2-medium', 'gpt2-large', 'gpt2-xl')]
    [string]$Size = 'gpt2-small',

    # cpu, sim (a simulated accelerator), or cuda:0 if a card is available.
    [string]$Device = 'sim',

    [string]$Folder = (Join-Path ([IO.Path]::GetTempPath()) "memload-notebook-$PID")
)

$ErrorActionPreference = 'Stop'
if (-not (Get-Module MemLoad)) {
    # Import the module of the package, or the build of the clone.
    Get-Item (Join-Path $PSScriptRoot ../MemLoad.psd1), (Join-Path $PSScriptRoot ../output/MemLoad/*/MemLoad.psd1) -ErrorAction Ignore |
        Sort-Object { [version](Import-PowerShellDataFile $_).ModuleVersion } | Select-Object -Last 1 | Import-Module
}
$isNew = -not (Test-Path -LiteralPath $Folder)
$null = New-Item -ItemType Directory -Force $Folder
$file = Join-Path $Folder "memload-notebook-$PID.pth"
$ids = 1, 2, 3
$step = 0
function Write-Step([string]$Text) { "`n$((++$script:step)). $Text" }
try {
    Write-Step 'Benchmark utilities: memory in use before the first load'
    Reset-MemoryPeak
    Get-MemoryUsage | Out-String

    Write-Step "Model setup: build $Size, run it on token ids, save it"
    $model = New-GptModel -Size $Size -Seed 123 -Device $Device
    $before = Invoke-GptModel $model $ids
    $before | Out-String
    $null = Export-Weights $model $file -Force
    Get-MemoryUsage | Out-String
    Clear-ModelMemory

    Write-Step 'Weight loading: the model and the complete state dict on the device'
    $rows = @(Measure-LoadMemory -ScriptBlock { $model = Import-Weights $file -Strategy Baseline -Device $Device } | Select-Object @{ n = 'Strategy'; e = { 'Baseline' } }, *)
    $rows | Select-Object Strategy, PeakDeviceBytes, PeakHostBytes | Format-Table | Out-String
    $checks = @([pscustomobject]@{ Strategy = 'Baseline'; Same = -not (Compare-Object $before.Logits (Invoke-GptModel $model $ids).Logits -SyncWindow 0) })
    Clear-ModelMemory

    foreach ($strategy in 'Sequential', 'Meta', 'Mmap', 'PerTensor', 'Stream') {
        Write-Step @{
            Sequential = 'Loading weights sequentially: one tensor after the other, from a state dict on the host'
            Meta       = 'A model on the meta device, allocated empty on the target device'
            Mmap       = 'A memory-mapped file: its pages become the weights'
            PerTensor  = 'Brute force: one tensor at a time, from any file'
            Stream     = 'The method of MemLoad: directly to the final place through a ring of fixed size'
        }[$strategy]
        $meta = New-GptModel -Size $Size -Meta
        $rows += Measure-LoadMemory -ScriptBlock { $null = Import-Weights $file -Model $meta -Strategy $strategy -Device $Device } | Select-Object @{ n = 'Strategy'; e = { $strategy } }, *
        $checks += [pscustomobject]@{ Strategy = $strategy; Same = -not (Compare-Object $before.Logits (Invoke-GptModel $meta $ids).Logits -SyncWindow 0) }
        Clear-ModelMemory
    }

    Write-Step 'Measured in one session, as in the notebook (GiB; all methods must compute the same logits)'
    $inSession = foreach ($row in $rows) {
        [pscustomobject]@{
            Strategy = $row.Strategy
            Device   = '{0:0.00}' -f ($row.PeakDeviceBytes / 1GB)
            Host     = '{0:0.00}' -f ($row.PeakHostBytes / 1GB)
            Same     = ($checks | Where-Object Strategy -EQ $row.Strategy).Same
        }
    }
    $inSession | Format-Table | Out-String
    if ($inSession.Same -contains $false) { Write-Error 'A method of loading computed other logits.' }

    Write-Step 'Measured in one process per load, compared with the notebook; peaks are multiples of the size of the model'
    # The figures of the notebook, in GB, for gpt2-xl with 6.29 GiB of parameters and buffers.
    $notebook = @{ Baseline = 12.8, 4.4; Sequential = 6.7, 6.3; Meta = 12.8, 1.3; Mmap = 6.4, 5.9; PerTensor = 6.4, 0.3 }
    $notebookModel = 6.29
    # A strategy that does not fit is a row and an error, and the next strategy is measured.
    Measure-LoadMemory $file -Device $Device -ErrorAction Continue | ForEach-Object {
        $theirs = $notebook[$_.Strategy]
        [pscustomobject]@{
            Strategy    = $_.Strategy
            DeviceGiB   = '{0:0.00}' -f ($_.PeakDeviceBytes / 1GB)
            HostGiB     = '{0:0.00}' -f ($_.PeakHostBytes / 1GB)
            Device      = '{0:0.00} M' -f ($_.PeakDeviceBytes / $_.ModelBytes)
            NotebookGpu = if ($theirs) { '{0:0.00} M' -f ($theirs[0] / $notebookModel) }
            Host        = '{0:0.00} M' -f ($_.PeakHostBytes / $_.ModelBytes)
            NotebookCpu = if ($theirs) { '{0:0.00} M' -f ($theirs[1] / $notebookModel) }
        }
    } | Format-Table | Out-String
}
finally {
    Clear-ModelMemory
    Remove-Item -LiteralPath ($isNew ? $Folder : $file) -Recurse -Force -ErrorAction Ignore
}
