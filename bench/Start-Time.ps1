#!/usr/bin/env pwsh

<#
.SYNOPSIS
    Compares the time of memload inspect for a small file, from the start of the process to its end, with that of an empty .NET program.
.PARAMETER Path
    A small checkpoint.
.PARAMETER Program
    The memload programs to time, such as a published one; by default the output of dotnet build -c Release.
.PARAMETER Repeat
    The number of rounds. Each program runs once per round.
.OUTPUTS
    One row per program: median and fastest time in milliseconds, and the median compared with that of the empty program.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$Path,
    [string[]]$Program = (Join-Path $PSScriptRoot ../src/MemLoad.Cli/bin/Release/net10.0/memload),
    [ValidateRange(1, 1000)][int]$Repeat = 21
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$file = (Resolve-Path $Path).Path
$folder = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) "memload-empty-$PID")).FullName
try {
    @'
<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>
'@ | Set-Content (Join-Path $folder empty.csproj)
    'System.Console.WriteLine();' | Set-Content (Join-Path $folder Program.cs)
    dotnet build $folder -c Release -v quiet --nologo | Out-Null

    $empty = Join-Path $folder bin/Release/net10.0/empty
    $commands = [ordered]@{ $empty = @() }
    # A shell passes several values as one text.
    foreach ($one in $Program.Split(',')) { $commands[(Resolve-Path $one).Path] = 'inspect', '--path', $file }
    $times = @{}
    foreach ($round in 0..$Repeat) {
        foreach ($name in $commands.Keys) {
            $start = [Diagnostics.ProcessStartInfo]::new($name, [string[]]$commands[$name])
            $start.RedirectStandardOutput = $true
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $process = [Diagnostics.Process]::Start($start)
            [void]$process.StandardOutput.ReadToEnd()
            $process.WaitForExit()
            # The first round only fills caches.
            if ($round -gt 0) { $times[$name] += @($watch.Elapsed.TotalMilliseconds) }
        }
    }
    $median = @{}
    foreach ($name in $commands.Keys) { $median[$name] = ($times[$name] | Sort-Object)[[int][Math]::Floor($Repeat / 2)] }
    foreach ($name in $commands.Keys) {
        [pscustomobject]@{
            Program            = $name -eq $empty ? 'an empty program' : $name
            MedianMilliseconds = [Math]::Round($median[$name], 1)
            FastestMilliseconds = [Math]::Round(($times[$name] | Measure-Object -Minimum).Minimum, 1)
            TimesTheEmptyOne   = [Math]::Round($median[$name] / $median[$empty], 2)
        }
    }
} finally { Remove-Item $folder -Recurse -Force }
