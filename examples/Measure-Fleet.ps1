#!/usr/bin/env pwsh
#Requires -Version 7.6
<#
.SYNOPSIS
    Runs Measure-LoadMemory on many servers at once and tells whether all of them loaded the same weights.
.DESCRIPTION
    Connects to every node by PowerShell remoting (SSH or WinRM), installs MemLoad there if this very build is missing, runs Measure-LoadMemory and
    gives its rows as they come, each with the name of its node. A node that is down, too slow, out of memory or broken costs one row that says what
    happened and what to do; it never holds up the others. At the end a summary counts outcomes, names the nodes that did not load, and those whose
    weights differ from the others'.

    Rows go to the pipeline. The summary is information (stream 6) and warnings (stream 3). Exit code: 0 if every node loaded and all weights agree,
    else 1.

    Nodes need PowerShell 7.6 or newer, and for SSH this line in sshd_config: Subsystem powershell /usr/bin/pwsh -sshs -NoLogo
    docs/fleet.md tells how to set that up.
.PARAMETER HostName
    Nodes to reach by SSH: names such as server1, user@server1, server1:2222, or objects with a property HostName (hashtables, rows of Import-Csv). Objects
    may also have Node (what to call it), Port, UserName, KeyFilePath, and of what is measured Path, Strategy, Device, HostMemoryLimit and
    DeviceMemoryLimit, where this node's differ from those of the others. Empty values count as not given.
.PARAMETER ComputerName
    Nodes to reach by WinRM: names.
.PARAMETER Parameters
    What to measure: parameters of Measure-LoadMemory. Paths are those of the nodes.
.PARAMETER Manifest
    A manifest on this machine (New-WeightManifest). It is taken to every node, and a load that differs from it fails with the names of the tensors.
.PARAMETER OutFile
    A CSV file for the rows of all nodes. A node's rows are added when the node is done. If the file is there already, nodes that loaded everything are
    not run again, and rows of nodes that are run again are replaced. Ask one question a file: what was asked before is not compared.
.PARAMETER UserName
    User for SSH, where a node does not say.
.PARAMETER Port
    Port for SSH, where a node does not say.
.PARAMETER KeyFilePath
    Private key for SSH, where a node does not say. Without one ssh takes what it finds: an agent, its configuration, its usual keys.
.PARAMETER Options
    More options of ssh, as in ssh_config: @{ ProxyJump = 'gateway' }. Nothing is ever asked (BatchMode=yes) unless you say so here.
.PARAMETER Subsystem
    Name of the SSH subsystem that starts PowerShell on the nodes.
.PARAMETER Credential
    User for WinRM.
.PARAMETER ConfigurationName
    WinRM endpoint. The default is the one of PowerShell 7, made by Enable-PSRemoting when it runs in PowerShell 7.
.PARAMETER UseSSL
    WinRM over HTTPS.
.PARAMETER ModulePath
    The MemLoad to measure with and to install where it is missing: a module folder or a .nupkg. By default what this repository built, else what is
    installed here.
.PARAMETER ThrottleLimit
    How many nodes work at a time.
.PARAMETER TimeLimitSeconds
    How long one node may take, from its connection on. What has not come by then is one row with the outcome Canceled.
.PARAMETER ConnectTimeoutSeconds
    How long a connection may take.
.EXAMPLE
    ./examples/Measure-Fleet.ps1 server1, server2, server3 -Parameters @{ Path = '/models/model.pth'; Strategy = 'Stream' } -OutFile fleet.csv

    Three servers, by SSH as the present user. The same command again runs only those that have not loaded yet.
.EXAMPLE
    ./examples/Measure-Fleet.ps1 (Import-Csv nodes.csv) -Parameters @{ Path = '/models/model.pth' } -Manifest model.manifest.json -TimeLimitSeconds 600

    Nodes from a file with the columns HostName, Port, UserName, KeyFilePath. The manifest names the tensors that differ.
.EXAMPLE
    ./examples/Measure-Fleet.ps1 -ComputerName gpu1, gpu2 -Credential (Get-Credential) -Parameters @{ Path = 'D:\models\model.safetensors' }

    Windows servers, by WinRM.
.EXAMPLE
    Import-Csv fleet.csv | Export-LoadReport fleet.html

    One page of all nodes.
#>
[CmdletBinding(DefaultParameterSetName = 'SSH')]
param(
    [Parameter(Mandatory, Position = 0, ParameterSetName = 'SSH')]
    [ValidateNotNullOrEmpty()]
    [object[]]$HostName,

    [Parameter(Mandatory, ParameterSetName = 'WinRM')]
    [ValidateNotNullOrEmpty()]
    [string[]]$ComputerName,

    [hashtable]$Parameters = @{},

    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf }, ErrorMessage = 'There is no manifest {0} on this machine.')]
    [string]$Manifest,

    [ValidateNotNullOrEmpty()]
    [string]$OutFile,

    [Parameter(ParameterSetName = 'SSH')]
    [string]$UserName,

    [Parameter(ParameterSetName = 'SSH')]
    [ValidateRange(1, 65535)]
    [int]$Port,

    [Parameter(ParameterSetName = 'SSH')]
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf }, ErrorMessage = 'There is no key file {0}.')]
    [string]$KeyFilePath,

    [Parameter(ParameterSetName = 'SSH')]
    [hashtable]$Options = @{},

    [Parameter(ParameterSetName = 'SSH')]
    [ValidateNotNullOrEmpty()]
    [string]$Subsystem = 'powershell',

    [Parameter(ParameterSetName = 'WinRM')]
    [pscredential]$Credential,

    [Parameter(ParameterSetName = 'WinRM')]
    [ValidateNotNullOrEmpty()]
    [string]$ConfigurationName = 'PowerShell.7',

    [Parameter(ParameterSetName = 'WinRM')]
    [switch]$UseSSL,

    [ValidateScript({ Test-Path -LiteralPath $_ }, ErrorMessage = 'There is no module {0}: name a module folder or a .nupkg.')]
    [string]$ModulePath,

    [ValidateRange(1, 1000)]
    [int]$ThrottleLimit = 32,

    [ValidateRange(1, 1000000)]
    [int]$TimeLimitSeconds = 3600,

    [ValidateRange(1, 3600)]
    [int]$ConnectTimeoutSeconds = 20
)

$ErrorActionPreference = 'Stop'
if (-not $PSBoundParameters.ContainsKey('InformationAction')) { $InformationPreference = 'Continue' }
$clock = [System.Diagnostics.Stopwatch]::StartNew()

# What a node may have of its own: how to reach it, and what does not change which weights it loads.
$connectionWords = 'Node', 'HostName', 'Port', 'UserName', 'KeyFilePath'
$ownWords = 'Path', 'Strategy', 'Device', 'HostMemoryLimit', 'DeviceMemoryLimit'

# From bash, cron and CSV files several words come as one text, with commas between them.
function Split-Word($Given) { @($Given | ForEach-Object { $_ -is [string] ? $_.Split(',').Trim() : $_ }) }

# The folder of the module to measure with: a package is unpacked, whatever else is taken as it is.
function Find-ModuleFolder([string]$Given, [string]$Scratch) {
    if (-not $Given) {
        # Where this script came with the package, that is the module's own folder.
        $built = Get-ChildItem (Join-Path $PSScriptRoot ../MemLoad.psd1), (Join-Path $PSScriptRoot ../output/MemLoad/*/MemLoad.psd1) -ErrorAction Ignore
        $candidates = @($built | Test-ModuleManifest -ErrorAction Ignore) + @(Get-Module MemLoad -ListAvailable) | Sort-Object Version -Descending -Stable
        if (-not $candidates) { throw 'MemLoad is neither built nor installed here: run "dotnet build MemLoad.sln", or name a module folder or a .nupkg with -ModulePath.' }
        return $candidates[0].ModuleBase
    }
    $found = (Resolve-Path -LiteralPath $Given).ProviderPath
    if (Test-Path -LiteralPath $found -PathType Leaf) {
        if ([IO.Path]::GetExtension($found) -eq '.psd1') { return Split-Path $found }
        [System.IO.Compression.ZipFile]::ExtractToDirectory($found, $Scratch)
        $found = $Scratch
    }
    $manifests = @(Get-ChildItem -LiteralPath $found -Filter MemLoad.psd1 -File) + @(Get-ChildItem (Join-Path $found */MemLoad.psd1)) | Sort-Object FullName -Descending
    if (-not $manifests) { throw "There is no MemLoad.psd1 in $Given, so it is not the module: name the folder that has it, or a .nupkg, with -ModulePath." }
    $manifests[0].DirectoryName
}

# One node as the work below wants it: its name, how to connect, how ssh would say it, and its own parameters.
function ConvertTo-SshNode($Given) {
    if ($Given -is [string]) {
        if ($Given -notmatch '^(?:(?<user>[^@\s]+)@)?(?:\[(?<host>[^\]\s]+)\]|(?<host>[^:@\s]+)|(?<host>[^@\s]*:[^@\s]*:[^@\s]*))(?::(?<port>\d{1,5}))?$') {
            throw "'$Given' is no name of a node: write server1, user@server1, server1:2222 or user@[::1]:2222."
        }
        $Given = @{ Node = $Given; HostName = $Matches.host; Port = $Matches.port; UserName = $Matches.user }
    }
    $values = @{}
    $pairs = if ($Given -is [System.Collections.IDictionary]) { $Given.GetEnumerator() } else { $Given.psobject.Properties }
    foreach ($pair in $pairs) {
        $word = [string]($pair.Key ?? $pair.Name)
        if ($word -notin $connectionWords + $ownWords) {
            throw "A node has '$word', and may have only $($connectionWords + $ownWords -join ', '). Give what is the same for all nodes with -Parameters."
        }
        if ("$($pair.Value)") { $values[$word] = $pair.Value }
    }
    if (-not $values.HostName) { throw 'A node has no HostName: every node needs one.' }
    # What begins with a dash is an option to ssh, and some of its options run commands here.
    if ("$($values.HostName)" -match '^-|[\s\p{C}]') { throw "'$($values.HostName)' is no HostName: it begins with a dash, or has a space or a control character." }
    if ("$($values.UserName)" -match '^-|\p{C}') { throw "'$($values.UserName)' is no UserName: it begins with a dash, or has a control character." }
    $port = 0
    if ($values.Port -and -not ([int]::TryParse("$($values.Port)", [ref]$port) -and $port -in 1..65535)) {
        throw "Node '$($values.HostName)' has the port '$($values.Port)': ports are numbers from 1 to 65535."
    }
    $port = $port ? $port : $Port
    $user = $values.UserName ?? $UserName
    $key = $values.KeyFilePath ?? $KeyFilePath
    if ($key -and -not (Test-Path -LiteralPath $key -PathType Leaf)) { throw "Node '$($values.HostName)' has the key file '$key', and there is none." }
    # ssh's own words would go straight to the console, from PowerShell and past every stream, so it is quiet here and asked again where it fails.
    $all = @{ BatchMode = 'yes'; LogLevel = 'QUIET'; ConnectTimeout = $ConnectTimeoutSeconds; ServerAliveInterval = 15; ServerAliveCountMax = 4 }
    foreach ($option in $Options.Keys) { $all[$option] = "$($Options[$option])" }
    $connection = @{ HostName = $values.HostName; Options = $all; Subsystem = $Subsystem; ConnectingTimeout = $ConnectTimeoutSeconds * 1000 }
    $ssh = @($all.Keys | Where-Object { $_ -ne 'LogLevel' } | Sort-Object | ForEach-Object { '-o', "$_=$($all[$_])" })
    $plain = @()
    if ($port) { $connection.Port = $port; $plain += '-p', "$port" }
    if ($user) { $connection.UserName = $user; $plain += '-l', $user }
    if ($key) { $connection.KeyFilePath = (Resolve-Path -LiteralPath $key).ProviderPath; $plain += '-i', $connection.KeyFilePath }
    $own = @{}
    $ownWords | Where-Object { $null -ne $values[$_] } | ForEach-Object { $own[$_] = $values[$_] }
    if ($own.Strategy) { $own.Strategy = Split-Word $own.Strategy }
    [pscustomobject]@{
        Name = [string]($values.Node ?? ($port ? "$($values.HostName):$port" : $values.HostName))
        Connection = $connection
        Ssh = $ssh + $plain + '--' + $values.HostName
        SshText = "ssh $($plain + $values.HostName -join ' ')"
        Parameters = $Parameters + @{}
        Own = $own
    }
}

function ConvertTo-WinRmNode([string]$Name) {
    $connection = @{
        ComputerName = $Name
        ConfigurationName = $ConfigurationName
        UseSSL = [bool]$UseSSL
    }
    if ($Credential) { $connection.Credential = $Credential }
    [pscustomobject]@{ Name = $Name; Connection = $connection; Ssh = @(); SshText = ''; Parameters = $Parameters + @{}; Own = @{} }
}

# Who has which weights. The majority comes first, or, where there is a manifest, whoever agrees with it.
function Get-WeightVote($Rows) {
    $digested = @($Rows | Where-Object WeightsDigest)
    $several = $digested | Group-Object Node | Where-Object { @($_.Group.Path | Sort-Object -Unique).Count -gt 1 }
    foreach ($model in $digested | Group-Object { $several ? ("$($_.Path)" -split '[/\\]')[-1] : '' }) {
        $sides = @($model.Group | Group-Object WeightsDigest | ForEach-Object {
                [pscustomobject]@{
                    Digest = $_.Name.Substring(0, [math]::Min(16, $_.Name.Length))
                    Nodes = @($_.Group.Node | Sort-Object -Unique)
                    Proven = @($_.Group | Where-Object { $_.ManifestDigest -and $_.Outcome -eq 'Loaded' }).Count -gt 0
                }
            } | Sort-Object -Stable @{ Expression = 'Proven'; Descending = $true }, @{ Expression = { $_.Nodes.Count }; Descending = $true }, @{ Expression = { $_.Nodes[0] } })
        [pscustomobject]@{
            Model = $model.Name
            Sides = $sides
            Decided = $sides.Count -eq 1 -or $sides[0].Proven -or $sides[0].Nodes.Count -gt $sides[1].Nodes.Count
        }
    }
}

# Says whether the nodes loaded the same weights, and which did not.
function Write-WeightVote($Vote) {
    $label = $Vote.Model ? "Weights of $($Vote.Model)" : 'Weights'
    $most = $Vote.Sides[0]
    $nodes = $most.Nodes.Count -eq 1 ? '1 node' : "$($most.Nodes.Count) nodes"
    $nodes += $most.Nodes.Count -eq 1 ? ' agrees' : ' agree'
    if ($most.Proven) { $nodes += ' with the manifest' }
    if ($Vote.Sides.Count -eq 1) {
        Write-Information "${label}: $nodes, digest $($most.Digest)."
    }
    elseif ($Vote.Decided) {
        $others = $Vote.Sides | Select-Object -Skip 1 | ForEach-Object { "$($_.Nodes -join ', ') ($($_.Digest))" }
        $next = $most.Proven ? 'Their rows name the tensors. Copy the weights to them again, and run this again.' :
        'Copy the weights to them again, and run this again; with -Manifest, made on a good node by New-WeightManifest, it names the tensors.'
        Write-Warning "${label}: THEY DIFFER. $nodes ($($most.Digest)); these do not: $($others -join '; '). $next"
    }
    else {
        $all = $Vote.Sides | ForEach-Object { "$($_.Digest) on $($_.Nodes -join ', ')" }
        Write-Warning "${label}: THEY DIFFER, and no side has a majority: $($all -join '; '). Run this again with -Manifest, made of weights you trust by New-WeightManifest."
    }
}

# Rows of an earlier run that stay: those of nodes that are not in this run, and of nodes that loaded everything, the same weights as the others, and
# compared with this manifest, where there is one.
function Read-EarlierRow([string]$Path, [string[]]$Nodes, [string]$Digest) {
    $rows = @(Import-Csv -LiteralPath $Path)
    if ($rows -and -not ($rows[0].psobject.Properties.Name -contains 'Node' -and $rows[0].psobject.Properties.Name -contains 'Outcome')) {
        throw "$Path is there, and is no CSV file of this script: it has no columns Node and Outcome. Name another -OutFile."
    }
    $odd = Get-WeightVote $rows | ForEach-Object { $_.Sides | Select-Object -Skip ([int]$_.Decided) } | ForEach-Object Nodes
    $rows | Group-Object Node | Where-Object {
        $again = $_.Name -in $odd -or @($_.Group | Where-Object { $_.Outcome -ne 'Loaded' -or ($Digest -and $_.ManifestDigest -ne $Digest) }).Count
        $_.Name -notin $Nodes -or -not $again
    } | ForEach-Object Group
}

# What a process of its own does for one node: it connects, says 'connected', and gives the node's rows. PowerShell may end where an ssh that it started ends
# (a broken pipe on a thread of its own), so no other node's work is in that process.
$nodeRows = {
    # A row as the node's, or, where no row came, one with the same columns that stands for all that is missing.
    function ConvertTo-NodeRow($Row) {
        $values = [ordered]@{ PSTypeName = 'MemLoad.NodeMeasurement'; Node = $node.Name }
        foreach ($column in $fleet.Columns) { $values[$column] = $Row.$column }
        $values
    }
    function New-NodeRow([string]$Outcome, [string]$Message) {
        $asked = @($node.Parameters.Strategy ?? $fleet.Strategies)
        $missing = @($asked | Where-Object { "$_" -notin $came })
        ConvertTo-NodeRow @{
            Strategy = ($missing.Count ? $missing : $asked) -join ','
            Device = [string]($node.Parameters.Device ?? 'default')
            Outcome = $Outcome
            Path = ($node.Parameters.Path ?? $node.Parameters.LiteralPath) -join ', '
            Run = 1
            HostName = $node.Name
            StartedAt = $startedAt
            ModuleVersion = $fleet.Version
            Message = $Message
        }
    }
}
$nodeWork = {
    $ErrorActionPreference = 'Stop'
    $ProgressPreference = 'SilentlyContinue'
    $session = $registration = $null
    $limit = [System.Threading.CancellationTokenSource]::new([timespan]::FromSeconds($fleet.TimeLimitSeconds))
    $step = 'connecting'
    try {
        $connection = $node.Connection
        if ($connection.ComputerName) { $connection.SessionOption = New-PSSessionOption -OpenTimeout $fleet.ConnectTimeoutMilliseconds }
        $session = New-PSSession @connection
        'connected'
        # Whatever this runspace is waiting for then, it ends.
        $registration = $limit.Token.Register([Action]$session.Runspace.CloseAsync)

        $step = 'looking for MemLoad'
        $there = Invoke-Command -Session $session -ArgumentList $fleet.Version, $fleet.Build {
            param($Version, $Build)
            $ErrorActionPreference = 'Stop'
            if ($PSVersionTable.PSVersion -lt [version]'7.6') { throw "PowerShell 7.6 or newer is needed, and this is $($PSVersionTable.PSVersion): install it, and let remoting start it" }
            $same = Get-Module MemLoad -ListAvailable | Where-Object { "$($_.Version)" -eq $Version } | Where-Object {
                $libraries = (Join-Path $_.ModuleBase MemLoad.Core.dll), (Join-Path $_.ModuleBase MemLoad.Cmdlets.dll)
                ((Get-FileHash $libraries -ErrorAction Ignore).Hash -join '') -eq $Build
            } | Select-Object -First 1
            $root = Join-Path ($env:PSModulePath -split [IO.Path]::PathSeparator)[0] MemLoad
            @{
                Module = $same.ModuleBase
                Root = $root
                Target = Join-Path $root $Version
                Stage = Join-Path $root ".new-$([guid]::NewGuid())"
                Manifest = Join-Path ([IO.Path]::GetTempPath()) "memload-$([guid]::NewGuid()).manifest.json"
            }
        }
        $module = $there.Module
        if (-not $module -and -not $limit.IsCancellationRequested) {
            $step = "installing MemLoad $($fleet.Version) in $($there.Target)"
            Invoke-Command -Session $session -ArgumentList $there {
                param($There)
                $null = New-Item -ItemType Directory -Force $There.Root
                # What an interrupted installation left behind.
                Get-ChildItem $There.Root -Directory -Force -Filter .new-* | Where-Object LastWriteTime -lt (Get-Date).AddDays(-1) | Remove-Item -Recurse -Force -ErrorAction Ignore
            }
            Copy-Item -LiteralPath $fleet.Folder -Destination $there.Stage -ToSession $session -Recurse
            # Moved into place in one step: another run may be installing here at this moment, and then either copy will do.
            $module = Invoke-Command -Session $session -ArgumentList $there, $fleet.Build {
                param($There, $Build)
                $ErrorActionPreference = 'Stop'
                try {
                    if (Test-Path $There.Target) { Move-Item $There.Target "$($There.Stage).old" -ErrorAction Ignore }
                    try { [IO.Directory]::Move($There.Stage, $There.Target) }
                    catch {
                        $libraries = (Join-Path $There.Target MemLoad.Core.dll), (Join-Path $There.Target MemLoad.Cmdlets.dll)
                        if (((Get-FileHash $libraries -ErrorAction Ignore).Hash -join '') -ne $Build) { throw }
                    }
                }
                finally { $There.Stage, "$($There.Stage).old" | Where-Object { Test-Path $_ } | Remove-Item -Recurse -Force -ErrorAction Ignore }
                $There.Target
            }
        }
        $given = $node.Parameters
        if ($fleet.Manifest -and -not $limit.IsCancellationRequested) {
            $step = 'copying the manifest'
            Copy-Item -LiteralPath $fleet.Manifest -Destination $there.Manifest -ToSession $session
            $given.Manifest = $there.Manifest
        }

        $step = 'measuring'
        $problems = @()
        $said = [System.Collections.Generic.HashSet[string]]::new()
        if (-not $limit.IsCancellationRequested) {
            Invoke-Command -Session $session -ArgumentList $module, $given -ErrorAction SilentlyContinue -ErrorVariable problems -WarningAction SilentlyContinue {
                param($Module, $Given)
                # One bad checkpoint is one error, and the next one's turn comes.
                $ErrorActionPreference = 'Continue'
                $ProgressPreference = 'SilentlyContinue'
                try {
                    Import-Module (Join-Path $Module MemLoad.psd1) -ErrorAction Stop
                    Measure-LoadMemory @Given
                }
                finally { if ($Given.Manifest) { Remove-Item -LiteralPath $Given.Manifest -ErrorAction Ignore } }
            } | ForEach-Object {
                $came.Add("$($_.Strategy)")
                $null = $said.Add("$($_.Message)")
                ConvertTo-NodeRow $_
            }
        }
        # A closed session ends all of this in silence.
        if ($limit.IsCancellationRequested) { throw 'out of time' }
        foreach ($problem in $problems) {
            $text = "$($problem.Exception.Message)"
            if ("$($problem.FullyQualifiedErrorId)" -notmatch '^(ML\d{4}),') { throw $problem }
            # A load that did not end well is a row and an error; the row is enough.
            if (-not $said.Contains("$($Matches[1]): $text")) { New-NodeRow Failed "$($Matches[1]): $text" }
        }
        if (-not $came.Count -and -not $problems) { throw 'Measure-LoadMemory gave nothing' }
    }
    catch {
        $text = "$($_.Exception.Message)".Trim() -replace '\s+', ' '
        if ($limit.IsCancellationRequested) {
            New-NodeRow Canceled "Stopped while ${step}, after $($fleet.TimeLimitSeconds) s: a node may take no longer. Rows that came: $($came.Count). Find out why this node is slow, or raise -TimeLimitSeconds."
        }
        elseif ($step -eq 'connecting') {
            New-NodeRow Failed "No connection: $(if ($node.Ssh) { "ssh gets in, but PowerShell does not answer: " })$($text.TrimEnd('.')). $($fleet.Answer)"
        }
        else {
            New-NodeRow Failed "Broke off while $($step): $($text.TrimEnd('.')). If the session ended by itself, see whether the node was restarted or ran out of memory."
        }
    }
    finally {
        'done'
        if ($registration) { $registration.Dispose() }
        if ($session) { Remove-PSSession $session -ErrorAction Ignore }
        $limit.Dispose()
    }
}

# Another PowerShell like this one: its program, or dotnet with an assembly where PowerShell is a tool of .NET. It takes what to do on its standard input,
# and gives a line of text for each object.
$apart = @([Environment]::ProcessPath)
if ((Split-Path -LeafBase $apart[0]) -eq 'dotnet') { $apart += Join-Path $PSHOME pwsh.dll }
elseif ((Split-Path -LeafBase $apart[0]) -ne 'pwsh') { $apart = @(Join-Path $PSHOME ($IsWindows ? 'pwsh.exe' : 'pwsh')) }
$apart += '-NoLogo', '-NoProfile', '-NonInteractive', '-Command', @'
$given = [System.Management.Automation.PSSerializer]::Deserialize([Text.Encoding]::UTF8.GetString([convert]::FromBase64String([Console]::In.ReadToEnd())))
$node, $fleet, $startedAt = $given.Node, $given.Fleet, $given.StartedAt
$came = [System.Collections.Generic.List[string]]::new()
. ([scriptblock]::Create($fleet.Rows))
. ([scriptblock]::Create($fleet.Work)) | ForEach-Object {
    $item = $_ -is [System.Collections.Specialized.OrderedDictionary] ? [pscustomobject]$_ : $_
    [Console]::Out.WriteLine('item ' + [convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([System.Management.Automation.PSSerializer]::Serialize($item, 3))))
}
exit 0
'@
function ConvertTo-Text($Given) { [convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([System.Management.Automation.PSSerializer]::Serialize($Given, 8))) }
function ConvertFrom-Text([string]$Line) { [System.Management.Automation.PSSerializer]::Deserialize([Text.Encoding]::UTF8.GetString([convert]::FromBase64String($Line.Substring(5)))) }

$scratch = Join-Path ([IO.Path]::GetTempPath()) "memload-fleet-$([guid]::NewGuid())"
try {
    $folder = Find-ModuleFolder $ModulePath $scratch
    # In a process of its own, so that this session keeps whatever MemLoad it has.
    $inquiry = {
        try {
            $ErrorActionPreference = 'Stop'
            Import-Module (Join-Path $node.Folder MemLoad.psd1)
            $command = Get-Command Measure-LoadMemory
            @{
                Version = "$($command.Module.Version)"
                # What is no manifest is found out here, once, and not on every node.
                Digest = if ($node.Manifest) { try { [MemLoad.WeightManifest]::Read($node.Manifest).WeightsDigest } catch { throw "$($_.Exception.InnerException.Rule.Id): $($_.Exception.InnerException.Message)" } }
                Columns = @([MemLoad.LoadMeasurement].GetProperties().Name)
                Strategies = @([MemLoad.Strategy].GetEnumNames() -ne 'Auto')
                # What a row needs; a block gives no rows of this kind, and common parameters are not for the nodes.
                Parameters = @($command.Parameters.Keys | Where-Object { $_ -notin @('ScriptBlock', 'Manifest', 'WhatIf', 'Confirm') + [System.Management.Automation.PSCmdlet]::CommonParameters })
            }
        }
        catch { @{ Problem = "$_" } }
    }
    $question = @{ Node = @{ Folder = $folder; Manifest = $Manifest ? (Resolve-Path -LiteralPath $Manifest).ProviderPath : '' }; Fleet = @{ Rows = ''; Work = "$inquiry" } }
    $answer = ConvertTo-Text $question | & $apart[0] @($apart | Select-Object -Skip 1) | Where-Object { $_ -like 'item *' } | Select-Object -Last 1
    if (-not $answer) { throw "$($apart[0]) gave no answer, with exit code $LASTEXITCODE." }
    $about = ConvertFrom-Text $answer
    if ($about.Problem) { throw $about.Problem }
    $Parameters += @{}
    if ($Parameters.Strategy) { $Parameters.Strategy = Split-Word $Parameters.Strategy }
    foreach ($word in $Parameters.Keys) {
        if ($word -eq 'Manifest') { throw 'Give the manifest as -Manifest, a file on this machine, and not in -Parameters.' }
        if ($word -notin $about.Parameters) { throw "Measure-LoadMemory has no parameter '$word' for -Parameters. It takes $($about.Parameters -join ', ')." }
    }

    $nodes = @($PSCmdlet.ParameterSetName -eq 'SSH' ? (Split-Word $HostName | ForEach-Object { ConvertTo-SshNode $_ }) : (Split-Word $ComputerName | ForEach-Object { ConvertTo-WinRmNode $_ }))
    $twice = $nodes | Group-Object Name | Where-Object Count -gt 1
    if ($twice) { throw "Two nodes are called '$($twice[0].Name)': leave one out, or give them different names by the property Node." }
    foreach ($node in $nodes) {
        foreach ($word in $node.Own.Keys) { $node.Parameters[$word] = $node.Own[$word] }
        if ($node.Own.Path) { $node.Parameters.Remove('LiteralPath') }
    }

    $earlier = @()
    if ($OutFile) {
        $OutFile = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($OutFile)
        if (-not (Test-Path -LiteralPath (Split-Path $OutFile) -PathType Container)) { throw "There is no folder $(Split-Path $OutFile) for -OutFile: make it first." }
        if (Test-Path -LiteralPath $OutFile) {
            $earlier = @(Read-EarlierRow $OutFile $nodes.Name $about.Digest)
            # In one step, so that whoever interrupts this has the old file or the new one.
            $earlier | Export-Csv -LiteralPath "$OutFile.new" -Encoding utf8NoBOM
            Move-Item -LiteralPath "$OutFile.new" $OutFile -Force
        }
        else {
            # Now, not when the first node has measured.
            try { [IO.File]::Create("$OutFile.new").Dispose() } catch { throw "-OutFile cannot be written: $($_.Exception.GetBaseException().Message)" }
            Remove-Item -LiteralPath "$OutFile.new"
        }
    }
    $open = @($nodes | Where-Object Name -notin $earlier.Node)
    if ($open.Count -lt $nodes.Count) { Write-Information "$($nodes.Count - $open.Count) of $($nodes.Count) nodes have loaded before, by $OutFile; they are not run again." }

    $fleet = @{
        Folder = $folder
        Version = $about.Version
        Build = (Get-FileHash (Join-Path $folder MemLoad.Core.dll), (Join-Path $folder MemLoad.Cmdlets.dll)).Hash -join ''
        Columns = $about.Columns
        Strategies = $about.Strategies
        Manifest = $Manifest ? (Resolve-Path -LiteralPath $Manifest).ProviderPath : $null
        TimeLimitSeconds = $TimeLimitSeconds
        ConnectTimeoutMilliseconds = $ConnectTimeoutSeconds * 1000
        Rows = "$nodeRows"
        Text = "${function:ConvertTo-Text}", "${function:ConvertFrom-Text}"
        Work = "$nodeWork"
        Answer = $PSCmdlet.ParameterSetName -eq 'SSH' ?
            "See that the node's sshd_config has the line 'Subsystem powershell /usr/bin/pwsh -sshs -NoLogo', and restart sshd." :
            'See that the node is up and that Enable-PSRemoting was run there in PowerShell 7.'
        PowerShell = $apart
    }
    Update-TypeData -TypeName MemLoad.NodeMeasurement -DefaultDisplayPropertySet Node, Strategy, Outcome, Message -Force
    $fresh = [System.Collections.Generic.List[object]]::new()
    $done = 0

    # Each node has a runspace of its own, so none waits for another. The block gives rows, and its node's name alone when that node is done.
    $open | ForEach-Object -ThrottleLimit $ThrottleLimit -Parallel {
        $ErrorActionPreference = 'Stop'
        $ProgressPreference = 'SilentlyContinue'
        $node = $_
        $fleet = $using:fleet
        $startedAt = [DateTimeOffset]::Now.ToString('yyyy-MM-ddTHH:mm:ss.fffzzz', [cultureinfo]::InvariantCulture)
        $came = [System.Collections.Generic.List[string]]::new()
        . ([scriptblock]::Create($fleet.Rows))
        ${function:ConvertTo-Text}, ${function:ConvertFrom-Text} = $fleet.Text | ForEach-Object { [scriptblock]::Create($_) }
        # It ends by itself at the time limit; this is for one that does not.
        $deadline = [Environment]::TickCount64 + ($fleet.TimeLimitSeconds + 60) * 1000L
        function Start-Program([string[]]$Command, [string]$Given) {
            $start = [System.Diagnostics.ProcessStartInfo]::new($Command[0], [string[]]@($Command | Select-Object -Skip 1))
            $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
            $program = [System.Diagnostics.Process]::Start($start)
            # One that has ended already takes nothing, and says why elsewhere.
            try {
                if ($Given) { $program.StandardInput.Write($Given) }
                $program.StandardInput.Close()
            }
            catch [System.IO.IOException] { Write-Debug "$_" }
            $program
        }
        $program = $null
        $connected = $said = $late = $false
        try {
            if ($node.Ssh) {
                # By ssh alone first: what is wrong with a connection, ssh says best, and 255 is its own exit code.
                $program = Start-Program (@('ssh', '-o', 'LogLevel=ERROR') + $node.Ssh + 'exit')
                $complaints = $program.StandardError.ReadToEndAsync()
                $null = $program.StandardOutput.ReadToEndAsync()
                while (-not $program.WaitForExit(200)) {
                    if ([Environment]::TickCount64 -gt $deadline) {
                        $late = $true
                        $program.Kill($true)
                    }
                }
                if (-not $late -and $program.ExitCode -eq 255) {
                    $says = "$($complaints.Result)".Trim().TrimEnd('.') -replace '\s+', ' '
                    New-NodeRow Failed "No connection: $($says ? $says : 'ssh says nothing'). See that the node is up and that this asks nothing: $($node.SshText)"
                    $said = $true
                }
                elseif (-not $late) { $program.Dispose() }
            }
            if (-not $said -and -not $late) {
                $program = Start-Program $fleet.PowerShell (ConvertTo-Text @{ Node = $node; Fleet = $fleet; StartedAt = $startedAt })
                $complaints = $program.StandardError.ReadToEndAsync()
                $line = $program.StandardOutput.ReadLineAsync()
                while ($true) {
                    if (-not $line.Wait(200)) {
                        if ([Environment]::TickCount64 -gt $deadline) {
                            $late = $true
                            $program.Kill($true)
                        }
                        continue
                    }
                    if ($null -eq $line.Result) { break }
                    $item = if ($line.Result.StartsWith('item ')) { ConvertFrom-Text $line.Result }
                    if ($item -is [string]) {
                        $connected = $true
                        $said = $item -eq 'done'
                    }
                    elseif ($item) {
                        $came.Add($item.Strategy)
                        ConvertTo-NodeRow $item
                    }
                    $line = $program.StandardOutput.ReadLineAsync()
                }
                $program.WaitForExit()
                if (-not $said -and -not $late) {
                    $why = ("$($complaints.Result)".Trim() -split "`n")[0]
                    $what = "the PowerShell on this machine that talks to it ended with exit code $($program.ExitCode)$(if ($why) { ": $why" })"
                    New-NodeRow Failed ($connected ? "Broke off: $what. If the session ended by itself, see whether the node was restarted or ran out of memory." :
                        "No connection: $(if ($node.Ssh) { 'ssh gets in, but PowerShell does not answer: ' })$what. $($fleet.Answer)")
                }
            }
            if ($late -and -not $said) { New-NodeRow Canceled "Stopped after $($fleet.TimeLimitSeconds) s: a node may take no longer. Rows that came: $($came.Count). Find out why this node is slow, or raise -TimeLimitSeconds." }
        }
        catch { New-NodeRow Failed "On this machine: $("$($_.Exception.GetBaseException().Message)".TrimEnd('.')). See that ssh and PowerShell can be started here." }
        finally {
            if ($program) {
                try { if (-not $program.HasExited) { $program.Kill($true) } } catch { Write-Debug "$_" }
                $program.Dispose()
            }
        }
        $node.Name
    } | ForEach-Object {
        if ($_ -isnot [string]) {
            $row = [pscustomobject]$_
            $fresh.Add($row)
            $row
            return
        }
        $name = $_
        $done++
        $rows = @($fresh | Where-Object Node -eq $name)
        if ($OutFile) { $rows | Export-Csv -LiteralPath $OutFile -Append -Encoding utf8NoBOM }
        Write-Verbose "${name}: $(($rows | Group-Object Outcome | ForEach-Object { "$($_.Count) $($_.Name)" }) -join ', ')."
        Write-Progress 'Measuring the fleet' "$done of $($open.Count) nodes are done; the last was $name" -PercentComplete (100 * $done / $open.Count)
    }
    Write-Progress 'Measuring the fleet' -Completed

    $all = $earlier + $fresh
    $bad = @($all | Where-Object Outcome -ne Loaded | Group-Object Node)
    $good = @($all.Node | Sort-Object -Unique).Count - $bad.Count
    Write-Information ('Loaded: {0}. Not loaded: {1}. Run now: {2}, in {3} s.' -f $good, $bad.Count, $open.Count, [int]$clock.Elapsed.TotalSeconds)
    foreach ($node in $bad) {
        foreach ($same in $node.Group | Where-Object Outcome -ne Loaded | Group-Object Outcome, Message) {
            Write-Warning "$($node.Name): $($same.Group[0].Outcome) ($($same.Group.Strategy -join ',')): $($same.Group[0].Message)"
        }
    }
    $votes = @(Get-WeightVote $all)
    $votes | ForEach-Object { Write-WeightVote $_ }
    exit [int]($bad.Count -gt 0 -or @($votes | Where-Object { $_.Sides.Count -gt 1 }).Count -gt 0)
}
catch {
    # As an error of this script, where it was called.
    $PSCmdlet.ThrowTerminatingError($_)
}
finally {
    if (Test-Path -LiteralPath $scratch) { Remove-Item -LiteralPath $scratch -Recurse -Force }
}
