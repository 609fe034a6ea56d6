<#
.SYNOPSIS
    Publishes a project for one system into an empty folder. The first error of dotnet becomes the error.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)][string]$Project,
    [Parameter(Mandatory)][string]$Runtime,
    [Parameter(Mandatory)][string]$Folder,
    [string[]]$Argument
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
if (Test-Path $Folder) { Remove-Item $Folder -Recurse -Force }

$log = dotnet publish $Project -c Release -r $Runtime -o $Folder --nologo -v quiet @Argument 2>&1
if ($LASTEXITCODE -ne 0) { throw (($log | Select-String 'error' | Select-Object -First 1) ?? "dotnet publish ended with $LASTEXITCODE") }
