BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    . $PSScriptRoot/sshd.ps1
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    . $PSScriptRoot/sshd.ps1
    $script = Join-Path $RepositoryRoot examples/Measure-Fleet.ps1
    $columns = [MemLoad.LoadMeasurement].GetProperties().Name

    # 128 MiB of zeros that use no disk space. They exceed the limit of a node whose data is limited to 240 MB.
    function New-SparseWeight([string]$Path) {
        # More than the memory that remains under a limit of 283 MiB on data, with which a PowerShell still starts.
        $bytes = 256MB
        $header = [Text.Encoding]::UTF8.GetBytes("{`"layers.0.weight`":{`"dtype`":`"F32`",`"shape`":[$($bytes / 8)],`"data_offsets`":[0,$($bytes / 2)]}," +
            "`"layers.1.weight`":{`"dtype`":`"F32`",`"shape`":[$($bytes / 8)],`"data_offsets`":[$($bytes / 2),$bytes]}}")
        $file = [IO.File]::Create($Path)
        try {
            $file.Write([BitConverter]::GetBytes([long]$header.Length))
            $file.Write($header)
            $file.SetLength(8 + $header.Length + $bytes)
        }
        finally { $file.Dispose() }
    }
    function Edit-Byte([string]$Path, [long]$Offset) {
        $file = [IO.File]::Open($Path, 'Open')
        try {
            $file.Position = $Offset
            $value = $file.ReadByte()
            $file.Position = $Offset
            $file.WriteByte($value -bxor 1)
        }
        finally { $file.Dispose() }
    }
}
if ($NoFleet) {
    Describe 'PowerShell over SSH' { It "is tested if there is a server (11 tests; $NoFleet)" -Skip { } }
}
else {
Describe 'Rows over SSH' {
    BeforeAll {
        $folder = Join-Path $TestDrive one
        New-TestFleet $folder
        $node = New-TestNode $folder single
        Start-TestNode $folder single
    }
    AfterAll { Stop-TestFleet $folder }
    It 'survive Invoke-Command' {
        $file = Join-Path $TestDrive ssh.pth
        New-TinyCheckpoint $file
        $session = New-PSSession -HostName $node.HostName -Port $node.Port -KeyFilePath "$folder/user" -Options @{ StrictHostKeyChecking = 'no'; UserKnownHostsFile = '/dev/null' }
        try {
            $row, $plan = Invoke-Command $session {
                Import-Module $using:ModulePath
                Measure-LoadMemory $using:file -Strategy Meta
                Get-LoadPlan $using:file -Strategy Meta
            }
        }
        finally { Remove-PSSession $session }
        $row.psobject.TypeNames[0] | Should -Be Deserialized.MemLoad.LoadMeasurement
        $columns | ForEach-Object { $row.psobject.Properties.Name | Should -Contain $_ }
        $row.Outcome | Should -Be Loaded
        $row.PeakDeviceBytes | Should -BeOfType long
        $row | Out-String -Width 160 | Should -Match 'Strategy +Device +Host'
        $plan.psobject.TypeNames[0] | Should -Be Deserialized.MemLoad.LoadForecast
        $plan.ForecastDeviceBytes | Should -BeOfType long
        $plan | Out-String -Width 160 | Should -Match 'Device +reserved +Host'
    }
}
Describe 'Measure-Fleet.ps1 on 8 nodes' {
    BeforeAll {
        $folder = Join-Path $TestDrive fleet
        New-TestFleet $folder
        $setup = @{ small = 'ulimit -d 290000'; slow = 'sleep 10' }
        $nodes = 'n1', 'n2', 'n3', 'n4', 'down', 'small', 'slow', 'flipped' | ForEach-Object { New-TestNode $folder $_ ($setup[$_] ?? ':') }
        $nodes.Node -ne 'down' | ForEach-Object { Start-TestNode $folder $_ }

        $file = Join-Path $TestDrive model.safetensors
        New-SparseWeight $file
        $manifest = (New-WeightManifest $file).Manifest
        $bad = Join-Path $TestDrive copy.safetensors
        Copy-Item $file $bad
        Edit-Byte $bad ((Get-Item $bad).Length - 1000)
        $nodes[7].Path = $bad

        $ssh = @{ KeyFilePath = "$folder/user"; Options = @{ StrictHostKeyChecking = 'no'; UserKnownHostsFile = '/dev/null' }; ConnectTimeoutSeconds = 300 }
        $what = @{ Path = $file; Strategy = 'Stream'; Device = 'cpu' }
        $csv = Join-Path $TestDrive fleet.csv
        $rows = @(& $script $nodes @ssh -Parameters $what -Manifest $manifest -OutFile $csv -WarningVariable warnings -WarningAction SilentlyContinue -InformationAction SilentlyContinue)
        $code = $LASTEXITCODE
        $of = @{}
        $rows | ForEach-Object { $of[$_.Node] = $_ }
    }
    AfterAll { Stop-TestFleet $folder }

    It 'gives 8 nodes 8 outcomes in one run' {
        $rows.Count | Should -Be 8
        $of.Count | Should -Be 8
        $of['n1', 'n2', 'n3', 'n4', 'slow'].Outcome | Sort-Object -Unique | Should -Be Loaded
        $of['down', 'small', 'flipped'].Outcome | Should -Be Failed, Refused, Failed
        $code | Should -Be 1
    }
    It 'gives for each node that did not load the reason and the remedy' {
        $of['down'].Message | Should -BeLike ("No connection: *port $($nodes[4].Port)*Check that the node is up and that this command " +
            "does not prompt: ssh -p $($nodes[4].Port) *")
        $of['small'].Message | Should -BeLike 'ML7005: *ulimit -d*type -Strategy Mmap*'
        $of['flipped'].Message | Should -BeLike "ML6111: 1 of 2 tensors differs from the manifest: 'layers.1.weight'*"
        'down', 'small', 'flipped' | ForEach-Object { $name = $_; @($warnings | Where-Object { "$_" -like "${name}: *" }).Count | Should -Be 1 }
    }
    It 'names the node with different weights' {
        "$($warnings[-1])" | Should -BeLike 'Weights differ. 5 nodes agree with the manifest (*). Other nodes: flipped (*). *'
    }
    It 'gives every row the same columns, with the name of the host and the given name of the node' {
        foreach ($row in $rows) { $row.psobject.Properties.Name | Should -Be (@('Node') + $columns) }
        $of['n1'].HostName | Should -Be ([Environment]::MachineName)
        $of['down'].HostName | Should -Be down
        $of['n1'].PeakHostBytes | Should -BeOfType long
        $rows | Out-String -Width 200 | Should -Match '(?m)^flipped +Stream +Failed +ML6111'
    }
    It 'installs this build on nodes without MemLoad, and leaves no other files' {
        foreach ($node in 'n1', 'flipped', 'slow') {
            $modules = "$folder/$node/home/.local/share/powershell/Modules/MemLoad"
            Get-ChildItem $modules -Force | ForEach-Object Name | Should -Be $ModuleVersion
            (Get-FileHash $modules/*/MemLoad.Core.dll).Hash | Should -Be (Get-FileHash (Join-Path (Split-Path $ModulePath) MemLoad.Core.dll)).Hash
        }
    }
    It 'writes a CSV file that a report can be written from' {
        $written = Import-Csv $csv
        $written.Node | Sort-Object | Should -Be ($nodes.Node | Sort-Object)
        $page = $written | Export-LoadReport (Join-Path $TestDrive fleet.html) -PassThru
        (Get-Content -Raw $page).Contains('run 1: failed. ML6111: ') | Should -BeTrue
    }
    It 'resumes: only nodes that have not loaded are run again' {
        $before = Import-Csv $csv | Group-Object Node -AsHashTable
        Start-TestNode $folder down
        $nodes[7].Path = $file
        $again = @(& $script $nodes @ssh -Parameters $what -Manifest $manifest -OutFile $csv -WarningAction SilentlyContinue -InformationAction SilentlyContinue)
        $again.Node | Sort-Object | Should -Be down, flipped, small
        $after = Import-Csv $csv | Group-Object Node -AsHashTable
        $after.Count | Should -Be 8
        'n1', 'n2', 'n3', 'n4', 'slow' | ForEach-Object { $after[$_].StartedAt | Should -Be $before[$_].StartedAt }
        $after['down', 'flipped', 'small'].Outcome | Should -Be Loaded, Loaded, Refused
    }
    It 'uses the majority if there is no manifest, and does not decide if there is no majority' {
        $nodes[7].Path = $bad
        $votes = Join-Path $TestDrive votes.csv
        $null = & $script $nodes[0, 7] @ssh -Parameters $what -OutFile $votes -WarningVariable tie -WarningAction SilentlyContinue -InformationAction SilentlyContinue
        "$($tie[-1])" | Should -BeLike 'Weights differ, and no digest has a majority: * on flipped; * on n1. Run this again with -Manifest*'
        $LASTEXITCODE | Should -Be 1
        # It is not known yet which result is correct. Both are run again, and one more node.
        $rows = & $script $nodes[0, 1, 7] @ssh -Parameters $what -OutFile $votes -WarningVariable odd -WarningAction SilentlyContinue -InformationAction SilentlyContinue
        @($rows).Count | Should -Be 3
        "$($odd[-1])" | Should -BeLike 'Weights differ. 2 nodes agree (*). Other nodes: flipped (*). Copy the weights to them again*'
        # After its correction, only the deviating node is run again, and all results agree.
        $nodes[7].Path = $file
        $rows = & $script $nodes[0, 1, 7] @ssh -Parameters $what -OutFile $votes -InformationVariable said -InformationAction SilentlyContinue
        $rows.Node | Should -Be flipped
        $LASTEXITCODE | Should -Be 0
        "$($said[-1])" | Should -BeLike 'Weights: 3 nodes agree, digest *'
    }
    It 'stops a node at the time limit, keeps the rows that it received, and continues with the next node' {
        $endless = @{ Path = $file; Strategy = 'Mmap'; Device = 'cpu'; Repeat = 1000000 }
        $rows = @(& $script $nodes[0, 1] @ssh -Parameters $endless -ThrottleLimit 1 -TimeLimitSeconds 15 -WarningAction SilentlyContinue -InformationAction SilentlyContinue)
        foreach ($node in 'n1', 'n2') {
            $own = @($rows | Where-Object Node -eq $node)
            @($own | Where-Object Outcome -ne Loaded).Count | Should -Be 1
            $own[-1].Outcome | Should -Be Canceled
            $own[-1].Message | Should -BeLike '*after 15 s, the time limit of a node. Rows received: *raise -TimeLimitSeconds.'
        }
    }
    It 'returns a row for an error of the checkpoint, the key or the subsystem' {
        $quiet = @{ WarningAction = 'SilentlyContinue'; InformationAction = 'SilentlyContinue' }
        (& $script $nodes[0] @ssh @quiet -Parameters @{ Path = '/nowhere.pth' }).Message | Should -BeLike 'ML1001: *'
        $none = & $script $nodes[0..3] @ssh @quiet -Subsystem nothing
        $none.Node | Sort-Object | Should -Be n1, n2, n3, n4
        foreach ($row in $none) {
            $row.Message | Should -BeLike ('No connection: ssh connects, but PowerShell does not respond: *Subsystem powershell ' +
                '/usr/bin/pwsh -sshs -NoLogo*')
        }
        $ssh.KeyFilePath = "$folder/host"
        (& $script "127.0.0.1:$($nodes[0].Port)" @ssh @quiet).Message | Should -BeLike 'No connection: *Permission denied*'
    }
}
}
Describe 'Measure-Fleet.ps1 on nodes that are down' {
    # If an ssh process ends while PowerShell writes to it, that PowerShell process ends, too. This occurred in three of three runs with 12
    # ports.
    It 'gives a row for each of 12 nodes, named in one text as from cron' -Skip:(-not (Get-Command ssh -CommandType Application -ErrorAction Ignore)) {
        $listeners = 1..12 | ForEach-Object { [System.Net.Sockets.TcpListener]::new([ipaddress]::Loopback, 0) }
        $names = $listeners | ForEach-Object { $_.Start(); "127.0.0.1:$($_.LocalEndpoint.Port)" }
        $listeners | ForEach-Object Stop
        $csv = Join-Path $TestDrive down.csv
        $text = Invoke-ThisPowerShell -NoProfile -File $script -HostName ($names -join ', ') -OutFile $csv *>&1 | Out-String
        $LASTEXITCODE | Should -Be 1 -Because $text
        $rows = Import-Csv $csv
        $rows.Node | Sort-Object | Should -Be ($names | Sort-Object)
        $rows.Outcome | Sort-Object -Unique | Should -Be Failed
        foreach ($row in $rows) {
            $row.Message | Should -BeLike 'No connection: *Check that the node is up and that this command does not prompt: ssh -p *'
        }
    }
}
Describe 'Measure-Fleet.ps1, before it connects to a node' {
    It 'refuses <Name>' -TestCases @(
        @{
            Name = 'a parameter that there is not'
            Arguments = @{ HostName = 'a'; Parameters = @{ Pth = 'x' } }
            Says = "Measure-LoadMemory has no parameter 'Pth'*It accepts*Path*"
        }
        @{ Name = 'a manifest among them'; Arguments = @{ HostName = 'a'; Parameters = @{ Manifest = 'x' } }; Says = 'Give the manifest as -Manifest*' }
        @{ Name = 'a name that is none'; Arguments = @{ HostName = 'a b' }; Says = "'a b' is not the name of a node: write server1*" }
        @{ Name = 'a name that is an option to ssh'; Arguments = @{ HostName = '-oProxyCommand=touch${IFS}/tmp/memload-fleet' }; Says = "'-oProxyCommand=*' is not a HostName: it begins with a dash*" }
        @{ Name = 'a row whose name is an option to ssh'; Arguments = @{ HostName = @{ Node = 'a'; HostName = '-oProxyCommand=touch /tmp/memload-fleet' } }; Says = "'-oProxyCommand=*' is not a HostName: it begins with a dash*" }
        @{ Name = 'a user who is an option to ssh'; Arguments = @{ HostName = @{ HostName = 'a'; UserName = '-oProxyCommand=x' } }; Says = "'-oProxyCommand=x' is not a UserName: it begins with a dash*" }
        @{ Name = 'a port that is none'; Arguments = @{ HostName = @{ HostName = 'a'; Port = 70000 } }; Says = '*ports are numbers from 1 to 65535*' }
        @{ Name = 'a property it does not know'; Arguments = @{ HostName = @{ HostName = 'a'; Rank = 1 } }; Says = "A node has 'Rank', and may have only Node, *" }
        @{ Name = 'a node without an address'; Arguments = @{ HostName = @{ Node = 'a' } }; Says = 'A node has no HostName*' }
        @{ Name = 'a node twice'; Arguments = @{ HostName = 'a', 'a' }; Says = "Two nodes are called 'a'*" }
        @{ Name = 'a key that is missing'; Arguments = @{ HostName = @{ HostName = 'a'; KeyFilePath = '/no/key' } }; Says = "Node 'a' has the key file '/no/key', which does not exist." }
        @{ Name = 'a manifest that is missing'; Arguments = @{ HostName = 'a'; Manifest = '/no/m.json' }; Says = '*There is no manifest /no/m.json on this machine.' }
        @{ Name = 'a manifest that is none'; Arguments = @{ HostName = 'a'; Manifest = $PSCommandPath }; Says = 'ML61*manifest*' }
        @{ Name = 'a folder that is no module'; Arguments = @{ HostName = 'a'; ModulePath = '/' }; Says = 'There is no MemLoad.psd1 in /*' }
        @{ Name = 'a file that cannot be made'; Arguments = @{ HostName = 'a'; OutFile = $IsLinux ? '/proc/fleet.csv' : '/nowhere/fleet.csv' }; Says = '*-OutFile*' }
        @{ Name = 'a file of something else'; Arguments = @{ HostName = 'a'; OutFile = 'TestDrive:/other.csv' }; Says = '*is not a CSV file of this script*' }
    ) {
        Set-Content TestDrive:/other.csv "A,B`n1,2"
        { & $script @Arguments } | Should -Throw $Says
        Get-Content TestDrive:/other.csv | Should -Be 'A,B', '1,2'
    }
}
