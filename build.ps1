#!/usr/bin/env pwsh

<#
.SYNOPSIS
    Builds, tests and packages MemLoad.
.DESCRIPTION
    Build leaves the module in output/MemLoad/<version>/ (as a plain "dotnet build MemLoad.sln" does). Test runs every test. Package makes,
    in output/, MemLoad.<version>.nupkg, which Install-PSResource takes from any repository, a folder included, and which has native code
    for each system; MemLoad.Core.<version>.nupkg, the library for C#; archives of the command for machines without .NET,
    memload-<version>-<runtime>.tar.gz or .zip; and SHA256SUMS over all of them. An archive that cannot be made does not keep the others
    from being made, but then there is no SHA256SUMS and the task ends in an error that names it. Publish makes only the package of the
    module, in the folder -Feed. The folder, which can be on a share, is then a repository of Install-PSResource.
.PARAMETER Runtime
    The systems to make archives and native code of the module for: all of them, unless some are named.
.PARAMETER Feed
    The folder that the task Publish writes the package to. It is created if it does not exist. A package of the same version is replaced.
.PARAMETER Torch
    Adds the devices of TorchSharp, in the folder torch of the module and of the command: with libtorch for the processor (cpu) or for
    NVIDIA cards (cuda-linux, cuda-windows: gigabytes), or without one (managed), for a libtorch that is there already and that
    MEMLOAD_LIBTORCH names when MemLoad runs. Without this parameter, only the tests use TorchSharp.
#>
[CmdletBinding()]
param(
    [ArgumentCompletions('Build', 'Test', 'Package', 'Publish')]
    [ValidateScript({ -not ($_.Split(',').Trim() | Where-Object { $_ -notin 'Build', 'Test', 'Package', 'Publish' }) },
        ErrorMessage = '"{0}": tasks are Build, Test, Package and Publish.')]
    [string[]]$Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string]$Configuration = 'Release',

    [ArgumentCompletions('linux-x64', 'linux-arm64', 'win-x64', 'osx-arm64')]
    [ValidateScript({ -not ($_.Split(',').Trim() | Where-Object { $_ -notin 'linux-x64', 'linux-arm64', 'win-x64', 'osx-arm64' }) },
        ErrorMessage = '"{0}": systems are linux-x64, linux-arm64, win-x64 and osx-arm64.')]
    [string[]]$Runtime = @('linux-x64', 'linux-arm64', 'win-x64', 'osx-arm64'),

    [ValidateNotNullOrEmpty()]
    [string]$Feed,

    [ValidateSet('cpu', 'cuda-linux', 'cuda-windows', 'managed')]
    [string]$Torch
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
# From bash and cron, "pwsh build.ps1 -Task Build,Test" passes both words as one text.
$Task = $Task.Split(',').Trim()
$Runtime = $Runtime.Split(',').Trim()
$solution = Join-Path $PSScriptRoot MemLoad.sln
$version = (Import-PowerShellDataFile (Join-Path $PSScriptRoot module/MemLoad.psd1)).ModuleVersion
$output = Join-Path $PSScriptRoot output
$module = Join-Path $output "MemLoad/$version"
# A build without TorchSharp does not fetch libtorch, which only the tests use by default.
[string[]]$buildProperties = "-p:Torch=$($Torch ? $Torch : 'none')"
[string[]]$testProperties = if ($Torch) { "-p:Torch=$Torch" }

if ($Task -contains 'Publish' -and -not $Feed) { throw 'The task Publish needs the folder of the packages: -Feed.' }
$packs = $Task -contains 'Package' -or $Task -contains 'Publish'
# Files of an earlier version must not be tested or packaged.
if ($packs -or $Task -contains 'Build') {
    if (Test-Path $module) { Remove-Item $module -Recurse -Force }
    dotnet build $solution -c $Configuration @buildProperties
}
if ($Task -contains 'Test') {
    dotnet test $solution -c $Configuration @testProperties
}
if ($packs -and (Test-Path (Join-Path $module torch))) { throw 'The package must not contain libtorch: build it without -Torch.' }
if ($packs) {
    $slower = foreach ($system in $Runtime) {
        try { & (Join-Path $PSScriptRoot build/Add-NativeLibrary.ps1) -Runtime $system -Module $module }
        catch {
            Write-Warning "The module has no native code for ${system}, and starts slower there: $_"
            $system
        }
    }
}
if ($Task -contains 'Publish') {
    $feedFolder = (New-Item -ItemType Directory -Force $Feed).FullName
    $package = Join-Path $feedFolder "MemLoad.$version.nupkg"
    # A reader of the feed sees the old package or the new one.
    $staging = New-Item -ItemType Directory (Join-Path $feedFolder ".memload-$([guid]::NewGuid())")
    try {
        Compress-PSResource -Path $module -DestinationPath $staging
        Move-Item (Join-Path $staging "MemLoad.$version.nupkg") $package -Force
    } finally {
        Remove-Item $staging -Recurse -Force
    }
    Get-Item $package
}
if ($Task -contains 'Package') {
    Get-ChildItem $output -File | Remove-Item
    Compress-PSResource -Path $module -DestinationPath $output
    dotnet pack (Join-Path $PSScriptRoot src/MemLoad.Core) -c $Configuration -o $output
    $missing = foreach ($system in $Runtime) {
        try { & (Join-Path $PSScriptRoot build/New-Archive.ps1) -Runtime $system -Version $version -Destination $output }
        catch {
            Write-Warning "No archive for ${system}: $_"
            $system
        }
    }
    $missing = @($missing) + @($slower) -ne $null | Sort-Object -Unique
    if ($missing) { throw "The release is not complete for $($missing -join ', '). The warnings above state what is missing and why." }
    # As sha256sum -c reads it.
    $sums = Get-ChildItem $output -File | Sort-Object Name | Get-FileHash -Algorithm SHA256 |
        ForEach-Object { "$($_.Hash.ToLowerInvariant())  $(Split-Path $_.Path -Leaf)" }
    [IO.File]::WriteAllText((Join-Path $output SHA256SUMS), ($sums -join "`n") + "`n")
    Get-ChildItem $output -File
}
