<#
.SYNOPSIS
    Compiles the library for one system and adds it to a module: native/<runtime>/ beside the library that runs on every system.
.DESCRIPTION
    The module prefers it (src/MemLoad.Isolation), because it starts faster. It also has its intermediate code, so that the runtime compiles
    what is not compiled.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$Runtime,
    [Parameter(Mandatory)][string]$Module
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
$folder = Join-Path $PSScriptRoot obj "library-$Runtime"
if (Test-Path $folder) { Remove-Item $folder -Recurse -Force }

$project = Join-Path $PSScriptRoot ../src/MemLoad.Core
$log = dotnet publish $project -c Release -r $Runtime --no-self-contained -p:PublishReadyToRun=true -o $folder --nologo -v quiet 2>&1
if ($LASTEXITCODE -ne 0) { throw (($log | Select-String 'error' | Select-Object -First 1) ?? "dotnet publish ended with $LASTEXITCODE") }

Copy-Item (Join-Path $folder *.dll) (New-Item -ItemType Directory -Force (Join-Path $Module "native/$Runtime"))
