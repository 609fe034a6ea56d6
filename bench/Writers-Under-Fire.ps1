#!/usr/bin/env pwsh
#Requires -Version 7.4

<#
.SYNOPSIS
    Kills writers at random moments, fills their disks and runs two at a time, and checks that every file is complete.
.DESCRIPTION
    The script runs "memload new" and "memload convert" for every format (.pth, safetensors, a folder), with a new name and over an old
    file:

      Kill       It ends them with SIGKILL after a random time, shortly after their first temporary file, or when their target changes.
      KillCall   It ends them at one of the system calls write, fsync, rename and unlink (Linux with strace).
      Interrupt  It sends them SIGINT, as Ctrl-C does.
      FullDisk   The disk (tmpfs, or ext2, which reserves no space) is too small, or another program fills it. Mounting needs root.
      SizeLimit  They run under "ulimit -f", which stops them as a quota does.
      TwoWriters Two of them write the same name at the same time.
      ReadOnly   The disk is mounted read-only. Mounting needs root.
      Link       The target is a link to a file on another disk, and they are killed. Mounting needs root.

    On Windows, only Kill (by TerminateProcess) and TwoWriters run.

    After each run the target must have the complete old content or the complete new content (by SHA-256 of each file), or be absent if it
    was absent before. If a run fails without being killed, no other file may remain in the folder. If a run is killed, no other file may
    remain after the next run that succeeds. The output is one row per kind. Stopped counts the runs that did not finish; Kills is their
    required number. Absent, Old, New and Partial count the states of the target. LitterBefore counts other files before the next run, and
    Litter counts those that must not exist. The last column counts unexpected errors.
.EXAMPLE
    ./bench/Writers-Under-Fire.ps1 -Folder /var/tmp/fire | Format-Table
.EXAMPLE
    ./bench/Writers-Under-Fire.ps1 -Folder /var/tmp/fire -Kills 20 -Disks 5 -Seed 7 | Format-Table
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string]$Folder,
    [int]$Kills = 500,
    [int]$Disks = 50,
    [int]$Others = 20,
    [int]$Seed = 1,
    [string]$MemLoad = (Join-Path $PSScriptRoot '../src/MemLoad.Cli/bin/Release/net10.0/memload')
)
$ErrorActionPreference = 'Stop'
$MemLoad = (Resolve-Path $MemLoad).ProviderPath
$program = @(if ($MemLoad -like '*.dll') { 'dotnet' }; $MemLoad)
$random = [Random]::new($Seed)
$Folder = (New-Item -ItemType Directory $Folder -Force).FullName
$env:DOTNET_EnableDiagnostics = '0'  # Otherwise a killed runtime leaves a socket in the folder for temporary files.
$env:DOTNET_EnableWriteXorExecute = '0'  # Otherwise the runtime needs larger files than SizeLimit allows.

# The content as text, with one line per file and its digest. The text of a missing file is "absent".
function Get-Content256([string]$Path) {
    if (-not (Test-Path -LiteralPath $Path)) { return 'absent' }
    $files = if (Test-Path -LiteralPath $Path -PathType Container) { Get-ChildItem -LiteralPath $Path -Force -Recurse -File | Sort-Object Name } else { Get-Item -LiteralPath $Path -Force }
    $lines = foreach ($file in $files) {
        $stream = [IO.File]::OpenRead($file.FullName)
        try { "$(if ($files -is [array]) { $file.Name }) $([Convert]::ToHexString([Security.Cryptography.SHA256]::HashData($stream)))" } finally { $stream.Dispose() }
    }
    $lines -join "`n"
}

function Start-MemLoad([string[]]$Arguments) {
    $start = [Diagnostics.ProcessStartInfo]::new($Arguments[0], [string[]]($Arguments | Select-Object -Skip 1))
    $start.RedirectStandardError = $true
    $start.RedirectStandardOutput = $true
    [Diagnostics.Process]::Start($start)
}

# Waits for the end. Returns the exit code and standard error.
function Wait-MemLoad($Process) {
    $complaint = $Process.StandardError.ReadToEndAsync()
    $null = $Process.StandardOutput.ReadToEnd()
    $Process.WaitForExit()
    [pscustomobject]@{ Code = $Process.ExitCode; Error = $complaint.Result }
}

function Invoke-MemLoad([string[]]$Arguments) { Wait-MemLoad (Start-MemLoad $Arguments) }

$model = '--vocab', '4000', '--context', '64', '--emb', '480', '--layers', '4', '--heads', '4'
$oldModel = '--vocab', '100', '--context', '16', '--emb', '96', '--layers', '1', '--heads', '2'
$work = (New-Item -ItemType Directory (Join-Path $Folder work) -Force).FullName
$source = Join-Path $Folder source.pth
$null = Invoke-MemLoad ($program + @('new', '--out', $source, '--force', '--seed', '5') + $model)

# The writes: a command without its --out, the name of its target, the content at the end, and the time of the command.
$jobs = foreach ($name in 'x.pth', 'x.safetensors', 'x') {
    foreach ($verb in 'new', 'convert') {
        $command = $program + @($verb) + $(if ($verb -eq 'new') { $model } else { '--path', $source })
        $target = Join-Path $Folder $name
        Remove-Item -LiteralPath $target -Recurse -ErrorAction Ignore
        $times = foreach ($i in 1..3) {
            $watch = [Diagnostics.Stopwatch]::StartNew()
            $null = Invoke-MemLoad ($command + '--out', $target, '--force')
            $watch.ElapsedMilliseconds
        }
        $bytes = (Get-ChildItem -LiteralPath $target -Force | Measure-Object Length -Sum).Sum
        $new = Get-Content256 $target
        Remove-Item -LiteralPath $target -Recurse
        $null = Invoke-MemLoad ($program + @('new', '--out', $target) + $oldModel)
        [pscustomobject]@{
            Name = $name; Verb = $verb; Command = $command; New = $new; Old = (Get-Content256 $target); OldAt = "$target.old"
            Milliseconds = ($times | Sort-Object)[1]; Bytes = $bytes
        }
        Remove-Item -LiteralPath "$target.old" -Recurse -ErrorAction Ignore
        Move-Item -LiteralPath $target "$target.old"
    }
}

function Get-Row([string]$Fire) {
    [pscustomobject]@{
        Fire = $Fire; Runs = 0; Stopped = 0; Absent = 0; Old = 0; New = 0; Partial = 0; LitterBefore = 0; Litter = 0; WrongError = 0; Seconds = 0
    }
}

# Creates the old content, or no file.
function Set-Target($Job, [string]$In, [bool]$Exists) {
    Get-ChildItem -LiteralPath $In -Force | Remove-Item -Recurse -Force
    if ($Exists) {
        Copy-Item -LiteralPath $Job.OldAt (Join-Path $In $Job.Name) -Recurse
        (Get-Item -LiteralPath (Join-Path $In $Job.Name)).LastWriteTimeUtc = [datetime]::new(2001, 1, 1, 0, 0, 0, [DateTimeKind]::Utc)
    }
}

function Get-Litter([string]$In, $Job) { @(Get-ChildItem -LiteralPath $In -Force | Where-Object Name -CNE $Job.Name).Count }

# Counts the state of the target, and other files in the folder after a further run that succeeded.
function Add-Outcome($Row, $Job, [string]$In, [bool]$Exists, [string[]]$Command, [bool]$OwnFailure) {
    $target = Join-Path $In $Job.Name
    $content = Get-Content256 $target
    $state = if ($content -ceq $Job.New) { 'New' } elseif ($Exists ? $content -ceq $Job.Old : $content -ceq 'absent') { $Exists ? 'Old' : 'Absent' } else { 'Partial' }
    if ($state -eq 'Partial') { Write-Warning "$($Row.Fire), run $($Row.Runs): $($Job.Verb) $target is neither old nor new: $content" }
    $Row.$state++
    $litter = Get-Litter $In $Job
    if ($litter) { $Row.LitterBefore++ }
    if ($OwnFailure) {
        if ($litter) { $Row.Litter++; Write-Warning "$($Row.Fire): left $((Get-ChildItem $In -Force).Name -join ', ')" }
        return
    }
    $next = Invoke-MemLoad ($Command + '--force')
    if ($next.Code -ne 0 -or (Get-Content256 $target) -cne $Job.New) { $Row.WrongError++; Write-Warning "the run after $($Row.Fire) failed: $($next.Error)" }
    if (Get-Litter $In $Job) { $Row.Litter++; Write-Warning "$($Row.Fire): left $((Get-ChildItem $In -Force).Name -join ', ')" }
}

function Stop-Writer($Process, $Job, [string]$In, [bool]$Exists, [string]$Signal) {
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $target = Join-Path $In $Job.Name
    $until = switch ($random.Next(3)) {
        0 { $random.NextDouble() * 1.1 * $Job.Milliseconds }
        1 {
            while (-not $Process.HasExited -and -not [IO.Directory]::EnumerateFileSystemEntries($In, ".$($Job.Name).*").GetEnumerator().MoveNext()) { }
            $watch.Elapsed.TotalMilliseconds + [math]::Pow($random.NextDouble(), 3) * $Job.Milliseconds
        }
        2 {
            # A new target has another time than the old one.
            while (-not $Process.HasExited -and -not ($Exists ? (Test-Changed $target) : (Test-There $target))) { }
            $watch.Elapsed.TotalMilliseconds + $random.NextDouble() * 3
        }
    }
    while (-not $Process.HasExited -and $watch.Elapsed.TotalMilliseconds -lt $until) { }
    if ($Process.HasExited) { return }
    if ($Signal -eq 'KILL') { $Process.Kill() } else { & kill "-$Signal" $Process.Id 2>$null }
}
function Test-There([string]$Path) { [IO.File]::Exists($Path) -or [IO.Directory]::Exists($Path) }
function Test-Changed([string]$Path) { [IO.File]::GetLastWriteTimeUtc($Path).Year -ne 2001 }

function Invoke-Signals([string]$Fire, [int]$Count, [string]$Signal) {
    $row = Get-Row $Fire
    $clock = [Diagnostics.Stopwatch]::StartNew()
    for ($i = 0; $row.Stopped -lt $Count -and $i -lt 4 * $Count; $i++) {
        $row.Runs++
        $job = $jobs[$i % $jobs.Count]
        $exists = $random.Next(2) -eq 0
        Set-Target $job $work $exists
        $command = $job.Command + '--out', (Join-Path $work $job.Name)
        $process = Start-MemLoad ($command + $(if ($exists) { '--force' }))
        Stop-Writer $process $job $work $exists $Signal
        $end = Wait-MemLoad $process
        if ($end.Code -ne 0) { $row.Stopped++ }
        # After Ctrl-C the program removes its own files.
        Add-Outcome $row $job $work $exists $command ($Signal -ne 'KILL' -and $end.Code -ne 128 + 2)
    }
    $row.Seconds = [int]$clock.Elapsed.TotalSeconds
    $row
}

function Invoke-CallKills([int]$Count) {
    $calls = 'pwrite64', 'fsync', 'rename', 'renameat2', 'link', 'unlink', 'fallocate', 'mkdir', 'rmdir', 'close'
    $row = Get-Row KillCall
    $clock = [Diagnostics.Stopwatch]::StartNew()
    for ($i = 0; $row.Stopped -lt $Count -and $i -lt 4 * $Count; $i++) {
        $row.Runs++
        $job = $jobs[$i % $jobs.Count]
        $exists = $random.Next(2) -eq 0
        $call = $calls[$random.Next($calls.Count - 1)]
        Set-Target $job $work $exists
        $command = $job.Command + '--out', (Join-Path $work $job.Name)
        # The runtime makes none of these calls on the folder. A file needs few of them. A folder needs some hundred.
        $when = $random.Next(1, $job.Name -eq 'x' ? 40 : 4)
        $traced = @('strace', '-f', '-qq', '-o', '/dev/null', '-e', "trace=$call", '-e', "inject=${call}:signal=KILL:when=$when") + $command
        if ($exists) { $traced += '--force' }
        $end = Invoke-MemLoad $traced
        if ($end.Code -ne 0) { $row.Stopped++ }
        Add-Outcome $row $job $work $exists $command $false
    }
    $row.Seconds = [int]$clock.Elapsed.TotalSeconds
    $row
}

# A small file system in memory, or in an image of ext2. There fallocate(2) does nothing, so the disk fills up during a write.
function Mount-Disk([long]$Bytes, [string]$Kind, [string]$At) {
    $null = New-Item -ItemType Directory $At -Force
    if ($Kind -eq 'tmpfs') { & mount -t tmpfs -o "size=$Bytes" none $At 2>$null | Out-Null }
    else {
        & truncate -s $Bytes "$At.img"
        & mkfs.ext2 -q -m 0 -F "$At.img" 2>$null | Out-Null
        & mount -o loop "$At.img" $At 2>$null | Out-Null
        Remove-Item (Join-Path $At lost+found) -ErrorAction Ignore
    }
    $LASTEXITCODE -eq 0
}
function Dismount-Disk([string]$At) {
    & umount $At 2>$null | Out-Null
    Remove-Item "$At.img" -ErrorAction Ignore
}

function Invoke-FullDisks([int]$Count) {
    $disk = Join-Path $Folder disk
    $clock = [Diagnostics.Stopwatch]::StartNew()
    foreach ($kind in 'tmpfs', 'ext2') {
        $row = Get-Row "FullDisk ($kind)"
        for ($i = 0; $i -lt $Count / 2; $i++) {
            $job = $jobs[$i % $jobs.Count]
            $exists = $random.Next(2) -eq 0
            # The sizes are from much too small to just sufficient. The old content needs 1 MiB.
            $fills = $random.Next(2) -eq 0
            $size = 4MB + [long]($job.Bytes * ($fills ? 1.3 : 1.1 * $random.NextDouble()))
            if (-not (Mount-Disk $size $kind $disk)) { Write-Warning "$($row.Fire) is skipped: it cannot be mounted here"; break }
            $row.Runs++
            try {
                Set-Target $job $disk $exists
                $filler = $null
                $command = $job.Command + '--out', (Join-Path $disk $job.Name)
                $process = Start-MemLoad ($command + $(if ($exists) { '--force' }))
                if ($fills) {
                    # Another program fills the disk during the write.
                    [Threading.Thread]::Sleep($random.Next($job.Milliseconds))
                    $filler = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]::new('sh', [string[]]('-c', "dd if=/dev/zero of='$disk/filler' bs=64k 2>/dev/null")))
                }
                $end = Wait-MemLoad $process
                if ($filler) { $filler.WaitForExit(); Remove-Item "$disk/filler" -ErrorAction Ignore }
                if ($end.Code -ne 0) {
                    $row.Stopped++
                    if ($end.Error -notlike '*ML9104*') { $row.WrongError++; Write-Warning "$($row.Fire): $($end.Error)" }
                }
                Add-Outcome $row $job $disk $exists $command $true
            }
            finally { Dismount-Disk $disk }
        }
        $row.Seconds = [int]$clock.Elapsed.TotalSeconds
        $clock.Restart()
        $row
    }
}

function Invoke-SizeLimits([int]$Count) {
    $row = Get-Row SizeLimit
    $clock = [Diagnostics.Stopwatch]::StartNew()
    for ($i = 0; $i -lt $Count; $i++) {
        $row.Runs++
        $job = $jobs[$i % $jobs.Count]
        $exists = $random.Next(2) -eq 0
        Set-Target $job $work $exists
        $command = $job.Command + '--out', (Join-Path $work $job.Name)
        $largest = $job.Name -eq 'x' ? 7MB : $job.Bytes
        $blocks = [long]($largest / 512 * (0.1 + 0.8 * $random.NextDouble()))
        $end = Invoke-MemLoad (@('sh', '-c', "ulimit -f $blocks; exec `"`$@`"", 'sh') + $command + $(if ($exists) { '--force' }))
        if ($end.Code -ne 0) {
            $row.Stopped++
            if ($end.Code -ne 1 -or $end.Error -notlike '*ML9104*') { $row.WrongError++; Write-Warning "$($row.Fire): $($end.Code) $($end.Error)" }
        }
        Add-Outcome $row $job $work $exists $command $true
    }
    $row.Seconds = [int]$clock.Elapsed.TotalSeconds
    $row
}

function Invoke-TwoWriters([int]$Count) {
    $row = Get-Row TwoWriters
    $clock = [Diagnostics.Stopwatch]::StartNew()
    for ($i = 0; $i -lt $Count; $i++) {
        $row.Runs++
        # "new" and "convert" write the same name. The target is the one that was renamed last.
        $one, $other = $jobs | Where-Object Name -EQ ('x.pth', 'x.safetensors', 'x')[$i % 3]
        $exists = $random.Next(2) -eq 0
        Set-Target $one $work $exists
        $target = Join-Path $work $one.Name
        $first = Start-MemLoad ($one.Command + '--out', $target, '--force')
        [Threading.Thread]::Sleep($random.Next(60))
        $second = Start-MemLoad ($other.Command + '--out', $target, '--force')
        $ends = (Wait-MemLoad $first), (Wait-MemLoad $second)
        $row.Stopped += @($ends | Where-Object Code -NE 0).Count
        foreach ($end in $ends | Where-Object Code -NE 0) { $row.WrongError++; Write-Warning "TwoWriters: $($end.Error)" }
        $content = Get-Content256 $target
        if ($content -ceq $one.New -or $content -ceq $other.New) { $row.New++ } else { $row.Partial++ }
        if (Get-Litter $work $one) { $row.Litter++; Write-Warning "TwoWriters: left $((Get-ChildItem $work -Force).Name -join ', ')" }
    }
    $row.Seconds = [int]$clock.Elapsed.TotalSeconds
    $row
}

function Invoke-ReadOnly {
    $disk = Join-Path $Folder disk
    $row = Get-Row ReadOnly
    foreach ($job in $jobs) {
        if (-not (Mount-Disk (2 * $job.Bytes) tmpfs $disk)) {
            Write-Warning 'ReadOnly is skipped: file systems cannot be mounted here'
            break
        }
        try {
            foreach ($exists in $false, $true) {
                $row.Runs++
                & mount -o remount,rw $disk
                Set-Target $job $disk $exists
                & mount -o remount,ro $disk
                $command = $job.Command + '--out', (Join-Path $disk $job.Name)
                $end = Invoke-MemLoad ($command + '--force')
                if ($end.Code -ne 0) { $row.Stopped++ }
                if ($end.Code -ne 1 -or $end.Error -notlike '*ML9103*') { $row.WrongError++; Write-Warning "ReadOnly: $($end.Code) $($end.Error)" }
                Add-Outcome $row $job $disk $exists $command $true
            }
        }
        finally { Dismount-Disk $disk }
    }
    $row
}

function Invoke-Links([int]$Count) {
    $disk = Join-Path $Folder disk
    $row = Get-Row Link
    if (-not (Mount-Disk 512MB tmpfs $disk)) { Write-Warning 'Link is skipped: file systems cannot be mounted here'; return $row }
    try {
        for ($i = 0; $i -lt $Count; $i++) {
            $row.Runs++
            $job = $jobs[$i % $jobs.Count]
            $exists = $random.Next(2) -eq 0
            Set-Target $job $disk $exists
            Set-Target $job $work $false
            $link = Join-Path $work $job.Name
            $null = New-Item -ItemType SymbolicLink $link -Target (Join-Path $disk $job.Name) -Force
            $command = $job.Command + '--out', $link
            $process = Start-MemLoad ($command + $(if ($exists) { '--force' }))
            Stop-Writer $process $job $disk $exists KILL
            if ((Wait-MemLoad $process).Code -ne 0) { $row.Stopped++ }
            Add-Outcome $row $job $disk $exists $command $false
            if (-not (Get-Item $link -Force).LinkType -or (Get-Litter $work $job)) { $row.Litter++ }
        }
    }
    finally { Dismount-Disk $disk }
    $row
}

if ($IsWindows) {
    Invoke-Signals Kill $Kills KILL
    Invoke-TwoWriters $Others
    return
}
$strace = Get-Command strace -ErrorAction Ignore
if (-not $strace) { Write-Warning 'KillCall is skipped: strace is not installed' }
$callKills = $strace ? [int]($Kills / 5) : 0
Invoke-Signals Kill ($Kills - $callKills) KILL
if ($callKills) { Invoke-CallKills $callKills }
Invoke-Signals Interrupt $Others INT
Invoke-FullDisks $Disks
Invoke-SizeLimits $Others
Invoke-TwoWriters $Others
Invoke-ReadOnly
Invoke-Links $Others
