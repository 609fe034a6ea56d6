#!/usr/bin/env pwsh
<#
.SYNOPSIS
    Builds, tests and packages MemLoad.
.DESCRIPTION
    Build leaves the module in output/MemLoad/<version>/ (as a plain "dotnet build MemLoad.sln" does). Test runs every test. Package makes
    output/MemLoad.<version>.nupkg, which Install-PSResource takes from any repository, a folder included.
.PARAMETER Torch
    Adds the devices of TorchSharp, in the folder torch of the module and of the command: with libtorch for the processor (cpu) or for NVIDIA cards
    (cuda-linux, cuda-windows: gigabytes), or without one (managed), for a libtorch that is there already and that MEMLOAD_LIBTORCH names
    when MemLoad runs.
#>
[CmdletBinding()]
param(
    [ValidateSet('Build', 'Test', 'Package')]
    [string[]]$Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string]$Configuration = 'Release',

    [ValidateSet('cpu', 'cuda-linux', 'cuda-windows', 'managed')]
    [string]$Torch
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$solution = Join-Path $PSScriptRoot MemLoad.sln
$version = (Import-PowerShellDataFile (Join-Path $PSScriptRoot module/MemLoad.psd1)).ModuleVersion
$module = Join-Path $PSScriptRoot "output/MemLoad/$version"
[string[]]$properties = if ($Torch) { "-p:Torch=$Torch" }

# Whatever an earlier version left behind must not be tested or shipped.
if ($Task -contains 'Build' -or $Task -contains 'Package') {
    if (Test-Path $module) { Remove-Item $module -Recurse -Force }
    dotnet build $solution -c $Configuration @properties
    if ($Torch) { dotnet build (Join-Path $PSScriptRoot src/MemLoad.Torch) -c $Configuration @properties }
}
if ($Task -contains 'Test') {
    dotnet test $solution -c $Configuration @properties
}
if ($Task -contains 'Package') {
    $package = Join-Path $PSScriptRoot "output/MemLoad.$version.nupkg"
    if (Test-Path $package) { Remove-Item $package }
    Compress-PSResource -Path $module -DestinationPath (Join-Path $PSScriptRoot output)
    Get-Item $package
}
