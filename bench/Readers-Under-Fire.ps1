#!/usr/bin/env pwsh
#Requires -Version 7.6

<#
.SYNOPSIS
    Loads checkpoints while other programs truncate, extend, rewrite and replace their files, and counts the outcomes.
.DESCRIPTION
    The script makes two checkpoints with the same shapes and lengths and with different weights, as .pth and as safetensors. Each load
    reads the first checkpoint. The strategies take turns, and so do the devices cpu and sim. Half of the loads are made by "memload
    measure", which starts a process per load. The others are made by Import-Weights in one PowerShell process, which must not end. At a
    random moment of the load, or after the load and before the weights are used, the file is changed:

      Truncate  It is truncated to a random length.
      Grow      It is made longer.
      Rewrite   It is overwritten in place with the second checkpoint, slowly and in pieces.
      Save      It is truncated to zero and written again with the second checkpoint, as torch.save does.
      Replace   The second checkpoint is renamed over it.
      Flip      Another program opens it for writing, changes a few bytes of the weights and closes it.

    A good outcome is the digest of one of the checkpoints (Correct) or an error with a rule. If the system ends a child process, the
    outcome is a row (Killed). Wrong counts other digests that were reported as good. DeadShell counts how often PowerShell ended. For Flip,
    the good digests are that of the first checkpoint and that of the file after the change.

    As root, the script also loads from a disk that fails, which is an ext2 image that loses its second half (ReadError). Mmap is then only
    measured. The system ends a process that uses a mapped page that a disk cannot deliver, and it gives no warning.
.EXAMPLE
    ./bench/Readers-Under-Fire.ps1 -Folder /var/tmp/fire -Loads 200 | Format-Table
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string]$Folder,
    [int]$Loads = 200,
    [int]$Seed = 1,
    [string]$MemLoad = (Join-Path $PSScriptRoot '../src/MemLoad.Cli/bin/Release/net10.0/memload'),
    [string]$Module = (Join-Path $PSScriptRoot '../output/MemLoad')
)
$ErrorActionPreference = 'Stop'
if (-not $IsLinux) { throw 'This script needs the file leases of Linux.' }
$MemLoad = (Resolve-Path $MemLoad).ProviderPath
$Module = (Get-ChildItem $Module -Recurse -Filter MemLoad.psd1)[0].FullName
$random = [Random]::new($Seed)
$Folder = (New-Item -ItemType Directory $Folder -Force).FullName
$env:DOTNET_EnableDiagnostics = '0'
$env:MEMLOAD_CACHE = (New-Item -ItemType Directory (Join-Path $Folder cache) -Force).FullName

# The digest of a file that no program changes. It is empty if the file is not a checkpoint any more.
function Get-Digest([string]$Path) {
    (& $MemLoad measure --path $Path --strategy Stream --device cpu --format json 2>$null | ConvertFrom-Json).WeightsDigest
}

$model = '--vocab', '6000', '--context', '64', '--emb', '640', '--layers', '8', '--heads', '4'
$digests = @{}
foreach ($kind in 'pth', 'safetensors') {
    foreach ($number in 1, 2) {
        $file = Join-Path $Folder "$number.$kind"
        & $MemLoad new --out $file --force --seed $number @model | Out-Null
        $digests["$number.$kind"] = Get-Digest $file
    }
}

# The shell reads one command per line and writes one answer per line. After a load it writes "loaded", and waits for a line before it uses
# the weights.
$shellScript = @'
$ErrorActionPreference = 'Stop'
$WarningPreference = 'SilentlyContinue'
Import-Module $env:FIRE_MODULE
while ($line = [Console]::In.ReadLine()) {
    $order = $line | ConvertFrom-Json
    $model = $null
    try {
        $model = Import-Weights -LiteralPath $order.Path -Strategy $order.Strategy -Device $order.Device -HeadCount 4
        [Console]::Out.WriteLine('loaded'); [Console]::Out.Flush(); $null = [Console]::In.ReadLine()
        $digest = [MemLoad.WeightsDigest]::Of($model.AsWeights())
        $null = Invoke-GptModel $model 1, 2, 3
        [Console]::Out.WriteLine("good $($model.Strategy) $digest")
    }
    catch { [Console]::Out.WriteLine("error $($_.Exception.GetBaseException().Rule.Id) $($_.FullyQualifiedErrorId)") }
    [Console]::Out.Flush()
    if ($model) { Remove-GptModel $model }
}
'@
$env:FIRE_MODULE = $Module
function Start-Shell {
    # If PowerShell is a tool of .NET, its program is dotnet.
    $first = (Split-Path -LeafBase ([Environment]::ProcessPath)) -eq 'dotnet' ? @(Join-Path $PSHOME pwsh.dll) : @()
    $start = [Diagnostics.ProcessStartInfo]::new([Environment]::ProcessPath, [string[]]($first + '-NoProfile', '-NonInteractive', '-Command', $shellScript))
    $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
    [Diagnostics.Process]::Start($start)
}

# Opens the file as programs do. The system first informs the process that maps the file.
function Open-Victim([string]$Path) { [IO.FileStream]::new($Path, 'Open', 'Write', 'ReadWrite,Delete', 1) }

function Edit-File([string]$Change, [string]$Path, [string]$Second) {
    if ($Change -eq 'Replace') {
        Copy-Item -LiteralPath $Second "$Path.next"
        [IO.File]::Move("$Path.next", $Path, $true)
        return
    }
    $stream = Open-Victim $Path
    try {
        switch ($Change) {
            'Truncate' { $stream.SetLength([long]($stream.Length * $random.NextDouble())) }
            'Grow' { $stream.Position = $stream.Length; $stream.Write([byte[]]::new(10000)) }
            'Flip' {
                for ($i = 0; $i -lt 5; $i++) {
                    $stream.Position = [long]($stream.Length * (0.1 + 0.8 * $random.NextDouble()))
                    $stream.Write([byte[]](1, 2, 3, 4, 5, 6, 7, 8))
                }
            }
            default {
                if ($Change -eq 'Save') { $stream.SetLength(0) }
                $bytes = [IO.File]::ReadAllBytes($Second)
                for ($at = 0; $at -lt $bytes.Length; $at += 4MB) {
                    $stream.Write($bytes, $at, [math]::Min(4MB, $bytes.Length - $at))
                    [Threading.Thread]::Sleep($random.Next(12))
                }
            }
        }
    }
    finally { $stream.Dispose() }
}

$strategies = 'Baseline', 'Sequential', 'Meta', 'Mmap', 'PerTensor', 'Stream', 'Auto'
$table = [ordered]@{}
function Get-Row([string]$Door, [string]$Strategy) {
    $key = "$Door $Strategy"
    if (-not $table.Contains($key)) {
        $table[$key] = [pscustomobject]@{
            Door = $Door; Strategy = $Strategy; Loads = 0; Correct = 0; Error = 0; Killed = 0; Wrong = 0; DeadShell = 0; Rules = @{}
        }
    }
    $table[$key]
}
function Add-Rule($Row, [string]$Text) {
    $rule = $Text -match 'ML\d{4}' ? $Matches[0] : 'none'
    $Row.Rules[$rule] = 1 + $Row.Rules[$rule]
    if ($rule -in 'none', 'ML9999') { $Row.Wrong++; Write-Warning "$($Row.Door) $($Row.Strategy): an error without a rule: $Text" }
}
function Add-Digest($Row, [string]$Digest, [string[]]$Good, [string]$What) {
    if ($Digest -in $Good) { $Row.Correct++ } else { $Row.Wrong++; Write-Warning "$What gave the wrong digest $Digest" }
}

function Start-Measure([string]$Path, [string]$Strategy, [string]$Device, [string]$Cache) {
    [string[]]$arguments = 'measure', '--path', $Path, '--strategy', $Strategy, '--device', $Device, '--cache', $Cache, '--format', 'json'
    $start = [Diagnostics.ProcessStartInfo]::new($MemLoad, $arguments)
    $start.RedirectStandardOutput = $start.RedirectStandardError = $true
    [Diagnostics.Process]::Start($start)
}
# Waits until the process that "memload measure" starts has the file open.
function Wait-Open($Process, [string]$Path) {
    while (-not $Process.HasExited) {
        foreach ($child in "$(Get-Content "/proc/$($Process.Id)/task/*/children" -ErrorAction Ignore)" -split ' ' -ne '') {
            try {
                foreach ($descriptor in [IO.Directory]::EnumerateFileSystemEntries("/proc/$child/fd")) {
                    if ([IO.FileInfo]::new($descriptor).LinkTarget -ceq $Path) { return }
                }
            }
            catch { continue } # the process ended or closed a file
        }
    }
}
function Add-Measure($Row, $Process, [string[]]$Good, [string]$What) {
    $complaint = $Process.StandardError.ReadToEndAsync()
    $output = $Process.StandardOutput.ReadToEnd()
    $Process.WaitForExit()
    $result = $output ? ($output | ConvertFrom-Json)[0] : $null
    if (-not $result) { $Row.Error++; Add-Rule $Row $complaint.Result }
    elseif ($result.Outcome -eq 'Loaded') { Add-Digest $Row $result.WeightsDigest $Good $What }
    elseif ($result.Outcome -eq 'Killed') { $Row.Killed++; Add-Rule $Row $result.Message }
    else { $Row.Error++; Add-Rule $Row $result.Message }
}

$shell = Start-Shell
# The speed of the machine is measured once. Otherwise Auto would measure it during a load.
foreach ($device in 'cpu', 'sim') { & $MemLoad measure --path (Join-Path $Folder 1.pth) --strategy Auto --device $device --format json | Out-Null }
$changes = 'Truncate', 'Grow', 'Rewrite', 'Save', 'Replace', 'Flip'
for ($i = 0; $i -lt $Loads; $i++) {
    $door = ('measure', 'Import-Weights')[$i % 2]
    $strategy = $strategies[[math]::Floor($i / 2) % $strategies.Count]
    $device = ('cpu', 'sim')[$random.Next(2)]
    $change = $changes[$random.Next($changes.Count)]
    $kind = ('pth', 'safetensors')[$random.Next(2)]
    $path = Join-Path $Folder "victim.$kind"
    Remove-Item -LiteralPath $path -ErrorAction Ignore
    Copy-Item -LiteralPath (Join-Path $Folder "1.$kind") $path
    $second = Join-Path $Folder "2.$kind"
    $good = $digests["1.$kind"], $digests["2.$kind"]
    $row = Get-Row $door $strategy
    $row.Loads++
    $what = "load $i ($door $strategy $device $kind, $change)"
    if ($door -eq 'measure') {
        $process = Start-Measure $path $strategy $device ('AsIs', 'Cold')[$random.Next(2)]
        Wait-Open $process $path
        [Threading.Thread]::Sleep([int](300 * [math]::Pow($random.NextDouble(), 2)))
        Edit-File $change $path $second
        Add-Measure $row $process ($change -eq 'Flip' ? @($good[0], (Get-Digest $path)) : $good) $what
        continue
    }
    $after = $random.Next(3) -eq 0
    $shell.StandardInput.WriteLine((@{ Path = $path; Strategy = $strategy; Device = $device } | ConvertTo-Json -Compress))
    if (-not $after) {
        [Threading.Thread]::Sleep($random.Next(120))
        Edit-File $change $path $second
    }
    $answer = $shell.StandardOutput.ReadLine()
    if ($answer -eq 'loaded') {
        if ($after) { Edit-File $change $path $second }
        $shell.StandardInput.WriteLine('go')
        $answer = $shell.StandardOutput.ReadLine()
    }
    elseif ($after -and $null -ne $answer) { Edit-File $change $path $second }
    if ($null -eq $answer) {
        $row.DeadShell++
        $shell.WaitForExit()
        Write-Warning "${what}: the shell ended with $($shell.ExitCode): $($shell.StandardError.ReadToEnd())"
        $shell = Start-Shell
    }
    elseif ($answer -match '^good (\S+) (\S+)$') {
        $digest = $Matches[2]
        Add-Digest $row $digest ($change -eq 'Flip' ? @($good[0], (Get-Digest $path)) : $good) $what
    }
    else { $row.Error++; Add-Rule $row $answer }
}

# A disk that fails. The image is shorter than its file system, so half of the blocks cannot be read.
$disk = Join-Path $Folder disk
$image = "$disk.img"
$null = New-Item -ItemType Directory $disk -Force
& truncate -s 320M $image
& mkfs.ext2 -q -m 0 -F $image 2>$null | Out-Null
& mount -o loop $image $disk 2>$null | Out-Null
if ($LASTEXITCODE -ne 0) { Write-Warning 'ReadError is skipped: file systems cannot be mounted here' }
else {
    try {
        Copy-Item (Join-Path $Folder 2.safetensors) $disk
        & sync
        $path = Join-Path $disk 2.safetensors
        # The data in the second half of the image are lost. The headers stay in the page cache.
        & truncate -s 100M $image
        foreach ($strategy in $strategies[0..5]) {
            foreach ($door in 'measure', 'Import-Weights') {
                if ($door -eq 'Import-Weights' -and $strategy -eq 'Mmap') { continue }
                $row = Get-Row "$door ReadError" $strategy
                $row.Loads++
                & dd "if=$path" iflag=nocache count=0 2>$null
                if ($door -eq 'measure') { Add-Measure $row (Start-Measure $path $strategy cpu AsIs) @() "$door $strategy from a failing disk"; continue }
                $shell.StandardInput.WriteLine((@{ Path = $path; Strategy = $strategy; Device = 'cpu' } | ConvertTo-Json -Compress))
                $answer = $shell.StandardOutput.ReadLine()
                if ($answer -eq 'loaded') { $shell.StandardInput.WriteLine('go'); $answer = $shell.StandardOutput.ReadLine() }
                if ($null -eq $answer) { $row.DeadShell++; $shell = Start-Shell }
                elseif ($answer -match '^good') { $row.Wrong++ }
                else { $row.Error++; Add-Rule $row $answer }
            }
        }
    }
    finally { & umount $disk; Remove-Item $image }
}
$shell.StandardInput.Close()
$shell.WaitForExit()
foreach ($row in $table.Values) {
    $row.Rules = ($row.Rules.GetEnumerator() | Sort-Object Name | ForEach-Object { "$($_.Name) x$($_.Value)" }) -join ', '
    $row
}
