#!/usr/bin/env pwsh
#Requires -Version 7.6

<#
.SYNOPSIS
    Flips single bits of a copy of a checkpoint and tests each result with Test-Weights -Manifest.
.DESCRIPTION
    The script makes a manifest. Then it flips one bit at a time, tests the file, and flips the bit back. Some bits are in the bytes of
    tensors. The others are in headers, the pickle and padding. After a flip in a tensor, the test must find that tensor. After any other
    flip, a rule must refuse the file, or every tensor must be unchanged. The script fails in all other cases. At the end it compares the
    time of the manifest with the time of sha256sum over the same file, in turns. Run "dotnet build -c Release" first.
.PARAMETER Path
    A checkpoint of one file whose tensors are contiguous. Only its copy is changed.
.PARAMETER Scratch
    A folder with room for the copy.
.PARAMETER Flips
    The number of bits to flip in tensors.
.PARAMETER Others
    The number of bits to flip elsewhere.
.PARAMETER Seed
    The seed of the random offsets.
.EXAMPLE
    ./bench/Bit-Flips.ps1 -Path gpt2-large.pth -Scratch /tmp/flips
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string]$Path,
    [Parameter(Mandatory)] [string]$Scratch,
    [int]$Flips = 20,
    [int]$Others = 20,
    [int]$Seed = 1
)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Import-Module (Join-Path $PSScriptRoot ../output/MemLoad)
$null = New-Item -ItemType Directory $Scratch -Force
$copy = Join-Path (Resolve-Path $Scratch).ProviderPath "copy$([System.IO.Path]::GetExtension($Path))"
# A full copy without shared blocks, because the original must not change.
$source = [System.IO.File]::OpenRead((Resolve-Path $Path).ProviderPath)
$target = [System.IO.File]::Create($copy)
try { $source.CopyTo($target, 4MB) } finally { $source.Dispose(); $target.Dispose() }

$manifest = (New-WeightManifest $copy -Force).Manifest
$length = (Get-Item $copy).Length
$tensors = @(Get-WeightInfo $copy | Where-Object Bytes -GT 0 | Sort-Object Offset)
# The begin and the end of each range between tensors.
$start = 0L
$gaps = @(
    foreach ($tensor in $tensors) {
        if ($tensor.Offset -gt $start) { , @($start, $tensor.Offset) }
        $start = $tensor.Offset + $tensor.Bytes
    }
    if ($length -gt $start) { , @($start, $length) }
)
$random = [System.Random]::new($Seed)

function Switch-Bit([long]$Offset, [int]$Bit) {
    $file = [System.IO.File]::Open($copy, 'Open', 'ReadWrite')
    try {
        $file.Position = $Offset
        $value = $file.ReadByte()
        $file.Position = $Offset
        $file.WriteByte($value -bxor (1 -shl $Bit))
    }
    finally { $file.Dispose() }
}

function Test-Flip([long]$Offset, [string]$Tensor) {
    $bit = $random.Next(8)
    Switch-Bit $Offset $bit
    $verdict = Test-Weights $copy -Manifest $manifest
    Switch-Bit $Offset $bit
    $only = $verdict.DifferingTensorCount -eq 1 -and $verdict.Finding -like "*'$Tensor'"
    $as = if ($verdict.RuleId -eq 'ML6111' -and (-not $Tensor -or $only)) { 'named' }
    elseif ($Tensor) { 'MISSED' }
    elseif (-not $verdict.IsSound) { 'refused' }
    elseif ($verdict.WeightsDigest -eq $verdict.ManifestDigest) { 'no tensor changed' }
    else { 'MISSED' }
    [pscustomobject]@{ Offset = $Offset; Bit = $bit; Where = $Tensor ? $Tensor : 'no tensor'; Outcome = $as; Rule = $verdict.RuleId }
}

$bytes = ($tensors | Measure-Object Bytes -Sum).Sum
$results = @(
    for ($i = 0; $i -lt $Flips; $i++) {
        $at = $random.NextInt64([long]$bytes)
        foreach ($tensor in $tensors) { if ($at -lt $tensor.Bytes) { break }; $at -= $tensor.Bytes }
        Test-Flip ($tensor.Offset + $at) $tensor.Name
    }
    $between = [long]($gaps | ForEach-Object { $_[1] - $_[0] } | Measure-Object -Sum).Sum
    for ($i = 0; $i -lt $Others; $i++) {
        $at = $random.NextInt64($between)
        foreach ($gap in $gaps) { $size = $gap[1] - $gap[0]; if ($at -lt $size) { break }; $at -= $size }
        Test-Flip ($gap[0] + $at)
    }
)
$results | Format-Table Offset, Bit, Outcome, Rule, Where | Out-String -Width 200 | Write-Host
"$length bytes, $($tensors.Count) tensors, $between bytes outside them, seed ${Seed}:"
$results | Group-Object { $_.Where -eq 'no tensor' ? 'elsewhere' : 'in a tensor' }, Outcome | ForEach-Object { "  $($_.Name): $($_.Count)" }
if (-not (Test-Weights $copy -Manifest $manifest -Deep).IsSound) { throw 'the copy is not the same as before the run' }

if (Get-Command sha256sum -ErrorAction Ignore) {
    $ratios = foreach ($run in 1..3) {
        $ours = (Measure-Command { New-WeightManifest $copy -Force }).TotalSeconds
        $theirs = (Measure-Command { sha256sum $copy }).TotalSeconds
        '{0:0.00} s, sha256sum {1:0.00} s, ratio {2:0.00}' -f $ours, $theirs, ($theirs / $ours)
    }
    "manifest against sha256sum of the same file, $([Environment]::ProcessorCount) cores:"
    $ratios | ForEach-Object { "  $_" }
}
Remove-Item $copy, $manifest
if ($results.Outcome -contains 'MISSED') { throw 'a flipped bit was missed' }
