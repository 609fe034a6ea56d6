<#
.SYNOPSIS
    Compiles the library for one system and adds it to a module: native/<runtime>/ next to the library that runs on every system.
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
$folder = Join-Path $PSScriptRoot obj "library-$Runtime"
& (Join-Path $PSScriptRoot Publish-Project.ps1) -Project (Join-Path $PSScriptRoot ../src/MemLoad.Core) -Runtime $Runtime -Folder $folder `
    -Argument '--no-self-contained', '-p:PublishReadyToRun=true'
Copy-Item (Join-Path $folder *.dll) (New-Item -ItemType Directory -Force (Join-Path $Module "native/$Runtime"))
