# Tests that need servers dot-source this file after common.ps1. It provides PowerShell over SSH on loopback. Each node is a separate sshd
# with its own port, home folder and start-up line. The sshd of the machine is not changed, and no host key is stored.
$SshdPath = @(Get-Command sshd, /usr/sbin/sshd -CommandType Application -ErrorAction Ignore)[0].Source
$NoFleet = if ($IsWindows) { 'the nodes are started by sh' }
elseif (-not $SshdPath) { 'there is no sshd: install openssh-server' }
elseif (-not (Get-Command ssh, ssh-keygen -CommandType Application -ErrorAction Ignore | Select-Object -Skip 1)) { 'ssh or ssh-keygen is missing: install openssh-client' }
elseif (-not (Get-Process -Id $PID).Path) { 'this PowerShell has no file' }

# A folder with keys for all nodes of a test.
function New-TestFleet([string]$Folder) {
    $null = New-Item -ItemType Directory -Force $Folder
    foreach ($key in 'host', 'user') { ssh-keygen -q -t ed25519 -N '' -f (Join-Path $Folder $key) }
    # As root, sshd requires a folder that the service normally creates.
    if ((id -u) -eq 0) { $null = New-Item -ItemType Directory -Force /run/sshd }
}

# Determines the port of a node. Setup is a shell line that runs before its PowerShell starts.
function New-TestNode([string]$Folder, [string]$Name, [string]$Setup = ':') {
    # Ports of outgoing connections begin at 32768, so that no program takes the port before the node starts.
    do {
        $port = Get-Random -Minimum 20000 -Maximum 32768
        $listener = [System.Net.Sockets.TcpListener]::new([ipaddress]::Loopback, $port)
        $free = $port -notin $script:usedPorts
        try { $listener.Start() } catch [System.Net.Sockets.SocketException] { $free = $false } finally { $listener.Stop() }
    } until ($free)
    $script:usedPorts += , $port
    $own = Join-Path $Folder $Name
    $null = New-Item -ItemType Directory -Force $own/home
    Set-Content $own/pwsh.sh @"
#!/bin/sh
export HOME='$own/home' MEMLOAD_CACHE='$own/home/cache'
$Setup
exec '$($ThisPowerShell -join "' '")' -sshs -NoLogo -NoProfile
"@
    chmod +x $own/pwsh.sh
    Set-Content $own/sshd_config @"
Port $port
ListenAddress 127.0.0.1
HostKey $Folder/host
PidFile $own/pid
AuthorizedKeysFile $Folder/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
Subsystem powershell $own/pwsh.sh
"@
    [pscustomobject]@{ Node = $Name; HostName = '127.0.0.1'; Port = $port; Path = '' }
}

function Start-TestNode([string]$Folder, [string]$Name) {
    # It ends with this PowerShell, even if that is killed before the cleanup of the test.
    Set-Content $Folder/$Name/watch.sh @"
'$SshdPath' -D -f '$Folder/$Name/sshd_config' -E '$Folder/$Name/log' &
sshd=`$!
while kill -0 $PID && kill -0 `$sshd; do sleep 1; done
kill `$sshd
"@
    $null = Start-Process sh -ArgumentList "$Folder/$Name/watch.sh" -RedirectStandardError $Folder/$Name/watch.log
    # sshd writes its id when it listens.
    foreach ($try in 1..600) { if (Test-Path $Folder/$Name/pid) { return } else { Start-Sleep -Milliseconds 100 } }
    throw "sshd did not start: $(Get-Content $Folder/$Name/log)"
}

function Stop-TestFleet([string]$Folder) {
    Get-Content $Folder/*/pid -ErrorAction Ignore | ForEach-Object { Stop-Process -Id $_ -ErrorAction Ignore }
}
