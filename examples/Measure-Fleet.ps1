#!/usr/bin/env pwsh
#Requires -Version 7.6

<#
.SYNOPSIS
    Runs Measure-LoadMemory on many servers at once, and compares the weights that they loaded.
.DESCRIPTION
    The script connects to every node by PowerShell remoting (SSH or WinRM). It installs MemLoad if this build is missing, runs
    Measure-LoadMemory, and returns the rows as they arrive. Each row has the name of its node. A node that is down, slow, out of memory or
    broken gives one row with the reason and the remedy. It does not delay the other nodes. At the end, a summary counts the outcomes. It
    names the nodes that did not load, and the nodes whose weights differ from the others.

    Rows go to the pipeline. The summary is information (stream 6) and warnings (stream 3). The exit code is 0 if every node loaded and all
    weights are equal. Otherwise it is 1.

    Nodes need PowerShell 7.6 or newer. For SSH they need this line in sshd_config: Subsystem powershell /usr/bin/pwsh -sshs -NoLogo
    docs/fleet.md describes the configuration.
.PARAMETER HostName
    Specifies the nodes to reach by SSH. A node is a name such as server1, user@server1 or server1:2222, or an object with the property
    HostName (a hashtable, a row of Import-Csv). An object can also have Node (the displayed name), Port, UserName and KeyFilePath. It can
    have Path, Strategy, Device, HostMemoryLimit and DeviceMemoryLimit, if the node differs from the others. Empty values are ignored.
.PARAMETER ComputerName
    Specifies the names of the nodes to reach by WinRM.
.PARAMETER Parameters
    Specifies parameters of Measure-LoadMemory. Paths are paths on the nodes.
.PARAMETER Manifest
    Specifies a manifest on this computer (New-WeightManifest). The script copies it to every node. A load that differs from the manifest
    fails, and the error names the tensors.
.PARAMETER OutFile
    Specifies a CSV file for the rows of all nodes. The script adds the rows of a node when the node has ended. If the file exists, nodes
    that loaded everything are not run again, and the rows of other nodes are replaced. Use one file per question, because the script does
    not compare earlier parameters.
.PARAMETER UserName
    Specifies the user for SSH, for nodes without a user.
.PARAMETER Port
    Specifies the port for SSH, for nodes without a port.
.PARAMETER KeyFilePath
    Specifies the private key for SSH, for nodes without a key. By default ssh uses an agent, its configuration, or its default keys.
.PARAMETER Options
    Specifies further options of ssh, as in ssh_config: @{ ProxyJump = 'gateway' }. By default ssh does not prompt (BatchMode=yes).
.PARAMETER Subsystem
    Specifies the name of the SSH subsystem that starts PowerShell on the nodes.
.PARAMETER Credential
    Specifies the user for WinRM.
.PARAMETER ConfigurationName
    Specifies the WinRM endpoint. The default is the endpoint of PowerShell 7. Enable-PSRemoting in PowerShell 7 creates it.
.PARAMETER UseSSL
    Uses WinRM over HTTPS.
.PARAMETER ModulePath
    Specifies the MemLoad to measure with, and to install if it is missing: a module folder or a .nupkg. The default is the build of this
    repository, or the module that is installed on this computer.
.PARAMETER ThrottleLimit
    Specifies the number of nodes that run at the same time.
.PARAMETER TimeLimitSeconds
    Specifies the time limit of one node, from its connection on. A load without a row at that time is part of one row with the outcome
    Canceled.
.PARAMETER ConnectTimeoutSeconds
    Specifies the time limit of a connection.
.EXAMPLE
    ./examples/Measure-Fleet.ps1 server1, server2, server3 -Parameters @{ Path = '/models/model.pth'; Strategy = 'Stream' } -OutFile fleet.csv

    This command measures three servers by SSH as the current user. If you run it again, it measures only the servers that have not loaded.
.EXAMPLE
    ./examples/Measure-Fleet.ps1 (Import-Csv nodes.csv) -Parameters @{ Path = '/models/model.pth' } -Manifest model.manifest.json -TimeLimitSeconds 600

    This command reads the nodes from a file with the columns HostName, Port, UserName and KeyFilePath. With the manifest, errors name the
    tensors that differ.
.EXAMPLE
    ./examples/Measure-Fleet.ps1 -ComputerName gpu1, gpu2 -Credential (Get-Credential) -Parameters @{ Path = 'D:\models\model.safetensors' }

    This command measures Windows servers by WinRM.
.EXAMPLE
    Import-Csv fleet.csv | Export-LoadReport fleet.html

    This command writes one page with all nodes.
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

# A node can have its own connection values, and its own parameters that do not change which weights it loads.
$connectionWords = 'Node', 'HostName', 'Port', 'UserName', 'KeyFilePath'
$ownWords = 'Path', 'Strategy', 'Device', 'HostMemoryLimit', 'DeviceMemoryLimit'

# bash, cron and CSV files pass several words as one text with commas.
function Split-Word($Given) { @($Given | ForEach-Object { $_ -is [string] ? $_.Split(',').Trim() : $_ }) }

# Returns the folder of the module to measure with. A package is unpacked.
function Find-ModuleFolder([string]$Given, [string]$Scratch) {
    if (-not $Given) {
        # If this script is part of the package, the first path is the folder of the module.
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
    if (-not $manifests) {
        throw "There is no MemLoad.psd1 in $Given, so it is not the module: name the folder that contains it, or a .nupkg, with " +
        '-ModulePath.'
    }
    $manifests[0].DirectoryName
}

# Returns one node: its name, connection, ssh arguments and own parameters.
function ConvertTo-SshNode($Given) {
    if ($Given -is [string]) {
        if ($Given -notmatch '^(?:(?<user>[^@\s]+)@)?(?:\[(?<host>[^\]\s]+)\]|(?<host>[^:@\s]+)|(?<host>[^@\s]*:[^@\s]*:[^@\s]*))(?::(?<port>\d{1,5}))?$') {
            throw "'$Given' is not the name of a node: write server1, user@server1, server1:2222 or user@[::1]:2222."
        }
        $Given = @{ Node = $Given; HostName = $Matches.host; Port = $Matches.port; UserName = $Matches.user }
    }
    $values = @{}
    $pairs = if ($Given -is [System.Collections.IDictionary]) { $Given.GetEnumerator() } else { $Given.psobject.Properties }
    foreach ($pair in $pairs) {
        $word = [string]($pair.Key ?? $pair.Name)
        if ($word -notin $connectionWords + $ownWords) {
            throw "A node has '$word', and may have only $($connectionWords + $ownWords -join ', '). Give common values with -Parameters."
        }
        if ("$($pair.Value)") { $values[$word] = $pair.Value }
    }
    if (-not $values.HostName) { throw 'A node has no HostName: every node needs one.' }
    # ssh interprets a name that begins with a dash as an option, and some options run commands on this computer.
    if ("$($values.HostName)" -match '^-|[\s\p{C}]') { throw "'$($values.HostName)' is not a HostName: it begins with a dash, or has a space or a control character." }
    if ("$($values.UserName)" -match '^-|\p{C}') { throw "'$($values.UserName)' is not a UserName: it begins with a dash, or has a control character." }
    $port = 0
    if ($values.Port -and -not ([int]::TryParse("$($values.Port)", [ref]$port) -and $port -in 1..65535)) {
        throw "Node '$($values.HostName)' has the port '$($values.Port)': ports are numbers from 1 to 65535."
    }
    $port = $port ? $port : $Port
    $user = $values.UserName ?? $UserName
    $key = $values.KeyFilePath ?? $KeyFilePath
    if ($key -and -not (Test-Path -LiteralPath $key -PathType Leaf)) { throw "Node '$($values.HostName)' has the key file '$key', which does not exist." }
    # PowerShell writes the messages of ssh to the console and to no stream. ssh is therefore quiet here, and runs again if it fails.
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

# Groups the nodes by their weights. The majority is first. With a manifest, the nodes that match it are first.
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

# Writes whether the nodes loaded the same weights, and which nodes did not.
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
        ('Copy the weights to them again, and run this again. With -Manifest, created by New-WeightManifest on a good node, it names ' +
            'the tensors.')
        Write-Warning "${label} differ. $nodes ($($most.Digest)). Other nodes: $($others -join '; '). $next"
    }
    else {
        $all = $Vote.Sides | ForEach-Object { "$($_.Digest) on $($_.Nodes -join ', ')" }
        Write-Warning ("${label} differ, and no digest has a majority: $($all -join '; '). Run this again with -Manifest, created by " +
            'New-WeightManifest from weights that you trust.')
    }
}

# Returns the rows of an earlier run that stay. These are the rows of nodes that are not in this run, and of nodes that loaded everything.
# Such nodes have the same weights as the others, and were compared with this manifest, if there is one.
function Read-EarlierRow([string]$Path, [string[]]$Nodes, [string]$Digest) {
    $rows = @(Import-Csv -LiteralPath $Path)
    if ($rows -and -not ($rows[0].psobject.Properties.Name -contains 'Node' -and $rows[0].psobject.Properties.Name -contains 'Outcome')) {
        throw "$Path exists and is not a CSV file of this script: it has no columns Node and Outcome. Name another -OutFile."
    }
    $odd = Get-WeightVote $rows | ForEach-Object { $_.Sides | Select-Object -Skip ([int]$_.Decided) } | ForEach-Object Nodes
    $rows | Group-Object Node | Where-Object {
        $again = $_.Name -in $odd -or @($_.Group | Where-Object { $_.Outcome -ne 'Loaded' -or ($Digest -and $_.ManifestDigest -ne $Digest) }).Count
        $_.Name -notin $Nodes -or -not $again
    } | ForEach-Object Group
}

# A separate process runs this block for one node. The block connects, returns 'connected', and returns the rows of the node. PowerShell can
# end when an ssh process that it started ends (a broken pipe on another thread). Each process therefore has only one node.
$nodeRows = {
    # Returns a row with the name of the node. Without rows, New-NodeRow returns a row with the same columns for all missing loads.
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
        # At the time limit, the runspace closes, and all waits in it end.
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
                # Remove the files of an interrupted installation.
                Get-ChildItem $There.Root -Directory -Force -Filter .new-* | Where-Object LastWriteTime -lt (Get-Date).AddDays(-1) | Remove-Item -Recurse -Force -ErrorAction Ignore
            }
            Copy-Item -LiteralPath $fleet.Folder -Destination $there.Stage -ToSession $session -Recurse
            # Move the folder in one step. Another run can install at the same time, and then either copy is correct.
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
                # A bad checkpoint is one error, and the next checkpoint is measured.
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
        # A closed session ends the commands above without an error.
        if ($limit.IsCancellationRequested) { throw 'out of time' }
        foreach ($problem in $problems) {
            $text = "$($problem.Exception.Message)"
            if ("$($problem.FullyQualifiedErrorId)" -notmatch '^(ML\d{4}),') { throw $problem }
            # A load that did not end well is a row and an error. Only the row is needed.
            if (-not $said.Contains("$($Matches[1]): $text")) { New-NodeRow Failed "$($Matches[1]): $text" }
        }
        if (-not $came.Count -and -not $problems) { throw 'Measure-LoadMemory returned no rows' }
    }
    catch {
        $text = "$($_.Exception.Message)".Trim() -replace '\s+', ' '
        if ($limit.IsCancellationRequested) {
            New-NodeRow Canceled "Stopped while ${step}, after $($fleet.TimeLimitSeconds) s, the time limit of a node. Rows received: $($came.Count). Find out why this node is slow, or raise -TimeLimitSeconds."
        }
        elseif ($step -eq 'connecting') {
            $silent = if ($node.Ssh) { 'ssh connects, but PowerShell does not respond: ' }
            New-NodeRow Failed "No connection: $silent$($text.TrimEnd('.')). $($fleet.Answer)"
        }
        else {
            New-NodeRow Failed "The work stopped while $($step): $($text.TrimEnd('.')). $($fleet.Unexpected)"
        }
    }
    finally {
        'done'
        if ($registration) { $registration.Dispose() }
        if ($session) { Remove-PSSession $session -ErrorAction Ignore }
        $limit.Dispose()
    }
}

# The command that starts another PowerShell: its program, or dotnet with an assembly if PowerShell is a .NET tool. It reads its task from
# standard input, and writes one line of text per object.
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
    # A separate process reads the module, so that this session keeps its own MemLoad.
    $inquiry = {
        try {
            $ErrorActionPreference = 'Stop'
            Import-Module (Join-Path $node.Folder MemLoad.psd1)
            $command = Get-Command Measure-LoadMemory
            @{
                Version = "$($command.Module.Version)"
                # An invalid manifest is detected once here, and not on every node.
                Digest = if ($node.Manifest) { try { [MemLoad.WeightManifest]::Read($node.Manifest).WeightsDigest } catch { throw "$($_.Exception.InnerException.Rule.Id): $($_.Exception.InnerException.Message)" } }
                Columns = @([MemLoad.LoadMeasurement].GetProperties().Name)
                Strategies = @([MemLoad.Strategy].GetEnumNames() -ne 'Auto')
                # The parameters of a row. A script block gives other rows, and common parameters do not apply to nodes.
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
        if ($word -notin $about.Parameters) {
            throw "Measure-LoadMemory has no parameter '$word' for -Parameters. It accepts $($about.Parameters -join ', ')."
        }
    }

    $nodes = @($PSCmdlet.ParameterSetName -eq 'SSH' ? (Split-Word $HostName | ForEach-Object { ConvertTo-SshNode $_ }) : (Split-Word $ComputerName | ForEach-Object { ConvertTo-WinRmNode $_ }))
    $twice = $nodes | Group-Object Name | Where-Object Count -gt 1
    if ($twice) { throw "Two nodes are called '$($twice[0].Name)': remove one, or give them different names with the property Node." }
    foreach ($node in $nodes) {
        foreach ($word in $node.Own.Keys) { $node.Parameters[$word] = $node.Own[$word] }
        if ($node.Own.Path) { $node.Parameters.Remove('LiteralPath') }
    }

    $earlier = @()
    if ($OutFile) {
        $OutFile = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($OutFile)
        if (-not (Test-Path -LiteralPath (Split-Path $OutFile) -PathType Container)) {
            throw "There is no folder $(Split-Path $OutFile) for -OutFile: create it first."
        }
        if (Test-Path -LiteralPath $OutFile) {
            $earlier = @(Read-EarlierRow $OutFile $nodes.Name $about.Digest)
            # Replace the file in one step, so that an interruption leaves the old file or the new file.
            $earlier | Export-Csv -LiteralPath "$OutFile.new" -Encoding utf8NoBOM
            Move-Item -LiteralPath "$OutFile.new" $OutFile -Force
        }
        else {
            # Test the file now, and not after the first measurement.
            try { [IO.File]::Create("$OutFile.new").Dispose() } catch { throw "-OutFile cannot be written: $($_.Exception.GetBaseException().Message)" }
            Remove-Item -LiteralPath "$OutFile.new"
        }
    }
    $open = @($nodes | Where-Object Name -notin $earlier.Node)
    if ($open.Count -lt $nodes.Count) {
        Write-Information ("$($nodes.Count - $open.Count) of $($nodes.Count) nodes have loaded before, according to $OutFile; they are " +
            'not run again.')
    }

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
            "Check that the node's sshd_config has the line 'Subsystem powershell /usr/bin/pwsh -sshs -NoLogo', and restart sshd." :
            'Check that the node is up and that Enable-PSRemoting was run there in PowerShell 7.'
        Unexpected = 'If the session ended unexpectedly, check whether the node was restarted or ran out of memory.'
        PowerShell = $apart
    }
    Update-TypeData -TypeName MemLoad.NodeMeasurement -DefaultDisplayPropertySet Node, Strategy, Outcome, Message -Force
    $fresh = [System.Collections.Generic.List[object]]::new()
    $done = 0

    # Each node has its own runspace, so nodes do not wait for each other. The block returns rows, and the name of its node when the node
    # has ended.
    $open | ForEach-Object -ThrottleLimit $ThrottleLimit -Parallel {
        $ErrorActionPreference = 'Stop'
        $ProgressPreference = 'SilentlyContinue'
        $node = $_
        $fleet = $using:fleet
        $startedAt = [DateTimeOffset]::Now.ToString('yyyy-MM-ddTHH:mm:ss.fffzzz', [cultureinfo]::InvariantCulture)
        $came = [System.Collections.Generic.List[string]]::new()
        . ([scriptblock]::Create($fleet.Rows))
        ${function:ConvertTo-Text}, ${function:ConvertFrom-Text} = $fleet.Text | ForEach-Object { [scriptblock]::Create($_) }
        # The process ends at the time limit. This deadline applies to a process that does not.
        $deadline = [Environment]::TickCount64 + ($fleet.TimeLimitSeconds + 60) * 1000L
        function Start-Program([string[]]$Command, [string]$Given) {
            $start = [System.Diagnostics.ProcessStartInfo]::new($Command[0], [string[]]@($Command | Select-Object -Skip 1))
            $start.RedirectStandardInput = $start.RedirectStandardOutput = $start.RedirectStandardError = $true
            $program = [System.Diagnostics.Process]::Start($start)
            # A process that has ended reads no input. Its error output has the reason.
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
                # Connect with ssh only. ssh has the best message about a connection, and 255 is its own exit code.
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
                    New-NodeRow Failed ("No connection: $($says ? $says : 'ssh printed no message'). Check that the node is up and that " +
                        "this command does not prompt: $($node.SshText)")
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
                    New-NodeRow Failed ($connected ?
                        "The work stopped: $what. $($fleet.Unexpected)" :
                        "No connection: $(if ($node.Ssh) { 'ssh connects, but PowerShell does not respond: ' })$what. $($fleet.Answer)")
                }
            }
            if ($late -and -not $said) { New-NodeRow Canceled "Stopped after $($fleet.TimeLimitSeconds) s, the time limit of a node. Rows received: $($came.Count). Find out why this node is slow, or raise -TimeLimitSeconds." }
        }
        catch {
            $cause = "$($_.Exception.GetBaseException().Message)".TrimEnd('.')
            New-NodeRow Failed "On this machine: $cause. Check that ssh and PowerShell can be started here."
        }
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
    # Report the error at the call of this script.
    $PSCmdlet.ThrowTerminatingError($_)
}
finally {
    if (Test-Path -LiteralPath $scratch) { Remove-Item -LiteralPath $scratch -Recurse -Force }
}
