#!/usr/bin/env pwsh
#Requires -Version 7.4

<#
.SYNOPSIS
    Measures one load for monitoring, from a scheduled task, cron or a timer.
.DESCRIPTION
    Appends the rows to a CSV file and replaces the metrics of the exporter, if its folder exists. Writes one entry per row to the event log
    of Windows, or by the command logger to the system log. The exit code is 0, or 1 if a row failed or nothing could be measured.

    On Windows the entries are in the log Application: id 1 for Pass (Information), 2 for Warn (Warning), 3 for Fail (Error). Their source
    is MemLoad if an administrator has registered it, otherwise Application. Writing needs no privilege.
.PARAMETER Path
    Specifies the checkpoint.
.PARAMETER ModelName
    Specifies a name for the model, for rows, metrics and entries of the log. The name of the metrics file also contains it.
.PARAMETER Strategy
    Specifies the strategies, separated by commas. By default all.
.PARAMETER Device
    Specifies the devices, separated by commas.
.PARAMETER WarnAbove
    Specifies the bounds of a warning, such as time=2s.
.PARAMETER FailAbove
    Specifies the bounds of a failure, such as time=10s,host=4GB.
.PARAMETER RowPath
    Specifies the CSV file.
.PARAMETER MetricFolder
    Specifies the folder of the exporter's textfile collector.
.EXAMPLE
    pwsh -NoProfile -File memload-measure.ps1 D:\models\prod.safetensors prod -Strategy Stream -FailAbove time=60s

    This is the command of a scheduled task.
#>
param(
    [Parameter(Mandatory, Position = 0)]
    [ValidateNotNullOrEmpty()]
    [string]$Path,

    [Parameter(Mandatory, Position = 1)]
    [ValidatePattern('^[\w.-]+$', ErrorMessage = "'{0}': use letters, digits, dots, hyphens and underscores.")]
    [string]$ModelName,

    [string]$Strategy,
    [string]$Device,
    [string]$WarnAbove,
    [string]$FailAbove,
    [string]$RowPath = ($IsWindows ? "$env:ProgramData\MemLoad\rows.csv" : '/var/log/memload/rows.csv'),
    [string]$MetricFolder = ($IsWindows ? "$env:ProgramFiles\windows_exporter\textfile_inputs" : '/var/lib/prometheus/node-exporter')
)

# One entry of the system's log. Status is that of the row.
function Write-SystemLog([string]$Status, [string]$Message) {
    if ($IsWindows) {
        $number, $type = @{ Pass = 1, 'Information'; Warn = 2, 'Warning'; Fail = 3, 'Error' }[$Status]
        # Only an administrator can register a source. Every Windows has the source Application.
        $registered = Test-Path HKLM:\SYSTEM\CurrentControlSet\Services\EventLog\Application\MemLoad
        [Diagnostics.EventLog]::WriteEntry(($registered ? 'MemLoad' : 'Application'), $Message, $type, $number)
    }
    else {
        logger -t memload -p "user.$(@{ Pass = 'info'; Warn = 'warning'; Fail = 'err' }[$Status])" -- $Message
    }
}

$code = 0
try {
    if (-not (Get-Module MemLoad)) {
        # The module that the script came with, or the build of the clone. Otherwise PowerShell finds the installed module.
        $places = (Join-Path $PSScriptRoot ../../MemLoad.psd1), (Join-Path $PSScriptRoot ../../output/MemLoad/*/MemLoad.psd1)
        Get-Item $places -ErrorAction Ignore |
            Sort-Object { [version](Import-PowerShellDataFile $_).ModuleVersion } | Select-Object -Last 1 | Import-Module
    }
    $given = @{}
    foreach ($name in 'Strategy', 'Device', 'WarnAbove', 'FailAbove') {
        if ($PSBoundParameters.ContainsKey($name)) { $given[$name] = $PSBoundParameters[$name] }
    }
    $rows = @(Measure-LoadMemory $Path -ModelName $ModelName @given -ErrorVariable problems -WarningAction SilentlyContinue)
    # The rows come first: a problem of the log does not lose them.
    if ($rows) {
        $RowPath = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($RowPath)
        $null = New-Item -ItemType Directory -Force (Split-Path $RowPath)
        # A file of an earlier version keeps its columns.
        $rows | Export-Csv $RowPath -Append -Force
        if (Test-Path -PathType Container $MetricFolder) { $rows | Export-LoadMetric (Join-Path $MetricFolder "memload-$ModelName.prom") }
    }
    elseif ($problems) { Write-SystemLog Fail "${ModelName}: $($problems[0])" }
    foreach ($row in $rows) {
        $what = "${ModelName}: $($row.Strategy) to $($row.Device): $($row.Status)"
        $why = @($row.StatusReason, $row.Message, $(if ($row.AsForecast -eq $false) { "not as forecast: $($row.Verdict)" })).Where{ $_ }[0]
        $took = "$($row.ElapsedMicroseconds) µs, $($row.PeakHostBytes) bytes of host memory."
        Write-SystemLog $row.Status ($why ? "$what. $why" : "$what, $took")
    }
    $code = [int]($problems.Count -gt 0)
}
catch {
    Write-SystemLog Fail "${ModelName}: $_"
    Write-Error $_
    $code = 1
}
exit $code
