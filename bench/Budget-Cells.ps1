#!/usr/bin/env pwsh
#Requires -Version 7.4

<#
.SYNOPSIS
    Loads one checkpoint in processes that may have less memory than the checkpoint has bytes, and reports each outcome.
.DESCRIPTION
    There is a cell for each kind of limit (a control group, ulimit -d, ulimit -v) and each fraction of the model's bytes. In each cell,
    memload measures every strategy and Auto. If there is a Python with torch (MEMLOAD_PYTHON, or python3 by default), PyTorch loads the
    same file with the methods of the notebook. The outcome of a cell is a load that its digest verifies, a refusal, or a failure. Control
    groups require root. The script returns one row per cell and strategy.
.EXAMPLE
    ./bench/Budget-Cells.ps1 -Path gpt2-large.pth | Tee-Object -Variable cells | Export-Csv cells.csv
.EXAMPLE
    ./bench/Budget-Cells.ps1 -Path gpt2-large.pth -Limit Cgroup -Fraction 0.5, 1.1 -Device cpu
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string]$Path,
    [double[]]$Fraction = @(0.1, 0.25, 0.5, 1.1, 1.3, 2.2, 3.3),
    [ArgumentCompletions('Cgroup', 'Data', 'AddressSpace')]
    [ValidateScript({ -not ($_.Split(',').Trim() | Where-Object { $_ -notin 'Cgroup', 'Data', 'AddressSpace' }) },
        ErrorMessage = '"{0}": limits are Cgroup, Data and AddressSpace.')] [string[]]$Limit = @('Cgroup', 'Data', 'AddressSpace'),
    [string[]]$Device = @('cpu', 'sim'),
    [string[]]$Strategy = @('Auto', 'Baseline', 'Sequential', 'Meta', 'Mmap', 'PerTensor', 'Stream'),
    [string[]]$Peer = @('baseline', 'sequential', 'meta', 'mmap', 'pertensor'),
    [int]$Repeat = 1,
    [string]$MemLoad = (Join-Path $PSScriptRoot '../src/MemLoad.Cli/bin/Release/net10.0/memload')
)
$ErrorActionPreference = 'Stop'
# bash passes several words as one text.
$Limit = $Limit.Split(',').Trim()
$Device = $Device.Split(',').Trim()
$Strategy = $Strategy.Split(',').Trim()
$Peer = $Peer.Split(',').Trim()
$Path = (Resolve-Path $Path).ProviderPath
$MemLoad = (Resolve-Path $MemLoad).ProviderPath
$modelBytes = (& $MemLoad plan --path $Path --strategy Stream --format json | ConvertFrom-Json).ModelBytes
$python = $env:MEMLOAD_PYTHON ? $env:MEMLOAD_PYTHON : 'python3'
$hasTorch = $false
if (Get-Command $python -ErrorAction Ignore) {
    & $python -c 'import torch' 2> $null
    $hasTorch = $LASTEXITCODE -eq 0
}
# The speed of this machine is measured once, outside the cells.
foreach ($name in $Device) { $null = & $MemLoad plan --path $Path --device $name --strategy Auto }

# The location of the memory controller on this system. Version 2 has one tree. Version 1 has a folder for the controller.
$version2 = (Test-Path /sys/fs/cgroup/cgroup.controllers) -and (Get-Content /sys/fs/cgroup/cgroup.controllers) -match 'memory'
$groupRoot = $version2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory'
$limitFile = $version2 ? 'memory.max' : 'memory.limit_in_bytes'

# The command line that runs the rest inside the limit.
function Get-Prefix([string]$Kind, [long]$Bytes) {
    switch ($Kind) {
        Cgroup {
            $group = "$groupRoot/memload-cells"
            $null = New-Item -ItemType Directory $group -Force
            Set-Content "$group/$limitFile" $Bytes
            if ($version2) { Set-Content "$group/memory.swap.max" 0 -ErrorAction Ignore }
            "echo `$`$ > $group/cgroup.procs"
        }
        Data { "ulimit -d $([long]($Bytes / 1KB))" }
        # Without these settings, .NET reserves half of a limited address space, and does not start below about 1 GiB.
        AddressSpace { "ulimit -v $([long]($Bytes / 1KB)); export DOTNET_GCRegionRange=8000000 MALLOC_ARENA_MAX=1" }
    }
}

function Get-Row([string]$Kind, [double]$Part, [string]$Loader, [string]$Target, [string]$How, [string]$Outcome, $Row, [string]$Message) {
    [pscustomobject]@{
        Limit = $Kind; Fraction = $Part; LimitBytes = [long]($Part * $modelBytes); Loader = $Loader; Device = $Target; Strategy = $How
        ChosenStrategy = $Row.ChosenStrategy; Outcome = $Outcome; Run = $Row.Run; ElapsedMicroseconds = $Row.ElapsedMicroseconds
        ForecastMicroseconds = $Row.ForecastMicroseconds; HostBytes = $Row.PeakHostBytes; ForecastHostBytes = $Row.ForecastHostBytes
        DeviceBytes = $Row.PeakDeviceBytes; ForecastDeviceBytes = $Row.ForecastDeviceBytes; WeightsDigest = $Row.WeightsDigest; Message = $Message
    }
}

foreach ($kind in $Limit) {
    foreach ($part in $Fraction) {
        $prefix = Get-Prefix $kind ([long]($part * $modelBytes))
        foreach ($name in $Device) {
            $complaints = New-TemporaryFile
            $json = & sh -c "$prefix; exec '$MemLoad' measure --path '$Path' --device $name --strategy $($Strategy -join ',') --cache warm --repeat $Repeat --format json" 2> $complaints
            $code = $LASTEXITCODE
            if (-not $json) {
                # There is no row if .NET could not start, or if the program was killed.
                $reason = Get-Content $complaints -Raw
                Get-Row $kind $part MemLoad $name '*' ($reason -match 'Failed to create CoreCLR' ? 'NotStarted' : 'Killed') $null "exit code ${code}: $($reason.Trim() -split "`n" | Select-Object -Last 1)"
            }
            Remove-Item $complaints
            if (-not $json) { continue }
            foreach ($row in ($json | ConvertFrom-Json)) { Get-Row $kind $part MemLoad $name $row.Strategy $row.Outcome $row $row.Message }
        }
        if (-not $hasTorch) { continue }
        foreach ($way in $Peer) {
            $output = & sh -c "$prefix; exec '$python' '$PSScriptRoot/peers/load.py' '$Path' $way" 2>&1
            $code = $LASTEXITCODE
            $outcome = $code -eq 0 ? 'Loaded' : $code -gt 128 ? 'Killed' : 'Failed'
            $seconds = $code -eq 0 ? ($output | Select-Object -Last 1 | ConvertFrom-Json).seconds : $null
            $row = @{ ElapsedMicroseconds = $null -eq $seconds ? $null : [long]($seconds * 1e6) }
            Get-Row $kind $part PyTorch cpu $way $outcome $row ($code -eq 0 ? '' : "exit code ${code}: $($output | Select-Object -Last 1)")
        }
    }
}
if (Test-Path "$groupRoot/memload-cells") { & rmdir "$groupRoot/memload-cells" }
