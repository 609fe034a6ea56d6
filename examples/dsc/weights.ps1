#Requires -Version 7.4

<#
.SYNOPSIS
    Reports the state of a checkpoint to DSC v3: whether it is sound, equals its manifest, and fits.
.DESCRIPTION
    The resource manifest memload.dsc.resource.json names this script. DSC writes the desired state to standard input, as JSON, and reads
    the actual state as one line of JSON. Errors are lines of JSON on standard error. The script needs the command memload on PATH and
    changes nothing.
.PARAMETER Operation
    Specifies get or test. test adds _inDesiredState.
#>
param(
    [Parameter(Mandatory)]
    [ValidateSet('get', 'test')]
    [string]$Operation
)
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false
# DSC reads and writes UTF-8. On Windows the console has another encoding by default.
$utf8 = [Text.UTF8Encoding]::new($false)
[Console]::OutputEncoding = $utf8

function Stop-Resource([int]$Code, [string]$Message) {
    [Console]::Error.WriteLine((@{ error = $Message } | ConvertTo-Json -Compress))
    exit $Code
}

# Runs memload. Its output is JSON, or nothing if the command failed. Its messages are on standard error.
function Invoke-MemLoad([string[]]$Arguments) {
    $lines = & memload @Arguments --format json 2>&1
    $code = $LASTEXITCODE
    $messages, $output = $lines.Where({ $_ -is [Management.Automation.ErrorRecord] }, 'Split')
    @{
        Code    = $code
        Rows    = @(if ($output) { $output -join "`n" | ConvertFrom-Json })
        Message = ($messages.ForEach({ "$_" }) -join ' ') -replace '^memload: (error )?'
    }
}

function Get-Problem($Row) { "$($Row.RuleId): $("$($Row.Finding)".TrimEnd('.')). $($Row.Remedy)" }

$text = [IO.StreamReader]::new([Console]::OpenStandardInput(), $utf8).ReadToEnd()
$schema = (Get-Content -Raw (Join-Path $PSScriptRoot memload.dsc.resource.json) | ConvertFrom-Json -AsHashtable).schema.embedded
$problems = $null
try { $valid = Test-Json -Json $text -Schema ($schema | ConvertTo-Json -Depth 9) -ErrorAction SilentlyContinue -ErrorVariable problems }
catch { $valid = $false; $problems = $_ }
if (-not $valid) { Stop-Resource 2 "The desired state is not valid. $($problems -join ' ')".TrimEnd() }
if (-not (Get-Command memload -CommandType Application -ErrorAction Ignore)) { Stop-Resource 1 'There is no command memload on PATH.' }

$desired = $text | ConvertFrom-Json -AsHashtable
# The state repeats the properties of the desired state, so that DSC finds no difference in it.
$state = [ordered]@{}
foreach ($name in 'path', 'manifest', 'deep', 'strategy', 'device', 'hostMemoryLimit', 'deviceMemoryLimit') {
    if ($desired.ContainsKey($name)) { $state[$name] = $desired[$name] }
}
$path = '--path', $desired.path
$deep = @(if ($desired.deep) { '--deep' })
$findings = @()

$tested = Invoke-MemLoad (@('test') + $path + $deep)
if ($tested.Code -gt 1) { Stop-Resource 2 $tested.Message }
$state.sound = $tested.Code -eq 0
if (-not $state.sound) { $findings += $tested.Rows ? (Get-Problem $tested.Rows[0]) : $tested.Message }

if ($desired.manifest) {
    $state.matchesManifest = $false
    if ($state.sound) {
        $compared = Invoke-MemLoad (@('test') + $path + '--manifest', $desired.manifest)
        # Without a verdict, nothing was compared: the manifest cannot be read.
        if (-not $compared.Rows) { Stop-Resource 1 $compared.Message }
        $state.matchesManifest = $compared.Code -eq 0
        if (-not $state.matchesManifest) { $findings += Get-Problem $compared.Rows[0] }
    }
}

$state.fits = $false
if ($state.sound) {
    $options = @{
        strategy = '--strategy'
        device = '--device'
        hostMemoryLimit = '--host-memory-limit'
        deviceMemoryLimit = '--device-memory-limit'
    }
    $given = foreach ($name in $options.Keys) { if ($desired.ContainsKey($name)) { $options[$name], "$($desired[$name])" } }
    $plans = Invoke-MemLoad (@('plan') + $path + $given)
    if ($plans.Code -gt 1) { Stop-Resource 2 $plans.Message }
    if (-not $plans.Rows) { Stop-Resource 1 $plans.Message }
    $state.fits = $plans.Code -eq 0
    if (-not $state.fits -and $desired.fits) { $findings += $plans.Rows[0].Message }
}

if ($findings) { $state.finding = $findings -join ' ' }
if ($Operation -eq 'test') {
    $state._inDesiredState = $state.sound -and (-not $desired.manifest -or $state.matchesManifest) -and (-not $desired.fits -or $state.fits)
}
[Console]::Out.WriteLine(($state | ConvertTo-Json -Compress))
