#!/usr/bin/env pwsh
#Requires -Version 7.4

<#
.SYNOPSIS
    Plans loads of sharded checkpoints of any size from their headers alone, and reports the cost.
.DESCRIPTION
    The script creates a checkpoint of 200 safetensors shards. The headers are real, and the data are holes, which use no disk space if the
    file system supports them. It plans the load with every strategy in a new memload process. It returns one row: seconds from start to
    exit, and the peak of the process's resident memory (Linux). The time divided by the number of tensors shows whether the time grows
    faster than that number.
.EXAMPLE
    ./bench/Plan-Scale.ps1 -Folder /var/tmp/scale | Format-Table
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string]$Folder,
    [int[]]$TensorCount = @(1000, 10000, 100000),
    [int]$ShardCount = 200,
    # A tensor has 20 MB, so a hundred thousand tensors have two terabytes.
    [int]$Columns = 10000000,
    [string]$Device = 'sim',
    [int]$Repeat = 3,
    [string]$MemLoad = (Join-Path $PSScriptRoot '../src/MemLoad.Cli/bin/Release/net10.0/memload')
)
$ErrorActionPreference = 'Stop'
$MemLoad = (Resolve-Path $MemLoad).ProviderPath

function New-Holes([string]$Into, [int]$Tensors) {
    $null = New-Item -ItemType Directory $Into -Force
    $perShard = [math]::Max(1, [int]($Tensors / $ShardCount))
    $index = [Text.StringBuilder]::new('{"weight_map":{')
    for ($shard = 0; $shard -lt $ShardCount; $shard++) {
        $file = 'model-{0:d5}-of-{1:d5}.safetensors' -f ($shard + 1), $ShardCount
        $header = [Text.StringBuilder]::new('{')
        for ($i = 0; $i -lt $perShard; $i++) {
            $name = "model.layers.$shard.mlp.experts.$i.weight"
            $begin = 2L * $Columns * $i
            if ($i) { $null = $header.Append(',') }
            $null = $header.Append("`"$name`":{`"dtype`":`"BF16`",`"shape`":[1,$Columns],`"data_offsets`":[$begin,$($begin + 2L * $Columns)]}")
            if ($shard + $i) { $null = $index.Append(',') }
            $null = $index.Append("`"$name`":`"$file`"")
        }
        $bytes = [Text.Encoding]::ASCII.GetBytes($header.Append('}').ToString())
        $stream = [IO.File]::Create((Join-Path $Into $file))
        try {
            $stream.Write([BitConverter]::GetBytes([long]$bytes.Length))
            $stream.Write($bytes)
            $stream.SetLength(8 + $bytes.Length + 2L * $Columns * $perShard)
        }
        finally { $stream.Dispose() }
    }
    [IO.File]::WriteAllText((Join-Path $Into 'model.safetensors.index.json'), $index.Append('}}').ToString())
}

foreach ($count in $TensorCount) {
    $checkpoint = Join-Path $Folder $count
    New-Holes $checkpoint $count
    try {
        for ($run = 1; $run -le $Repeat; $run++) {
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $start = [Diagnostics.ProcessStartInfo]::new($MemLoad, [string[]]('plan', '--path', $checkpoint, '--device', $Device, '--format', 'json'))
            $start.RedirectStandardOutput = $true
            $process = [Diagnostics.Process]::Start($start)
            $output = $process.StandardOutput.ReadToEndAsync()
            $peak = $null
            # The high-water mark never decreases, so the last reading before the end is sufficient.
            while (-not $process.WaitForExit(5)) {
                if ($IsLinux -and (Get-Content "/proc/$($process.Id)/status" -Raw -ErrorAction Ignore) -match 'VmHWM:\s+(\d+) kB') { $peak = 1KB * [long]$Matches[1] }
            }
            $watch.Stop()
            $rows = $output.Result | ConvertFrom-Json
            [pscustomobject]@{
                TensorCount = $rows[0].TensorCount; FileBytes = $rows[0].FileBytes; Plans = @($rows).Count; Run = $run
                Milliseconds = $watch.ElapsedMilliseconds; MicrosecondsPerTensor = [long](1000 * $watch.ElapsedMilliseconds / $rows[0].TensorCount)
                PeakResidentBytes = $peak
            }
        }
    }
    finally { Remove-Item $checkpoint -Recurse }
}
