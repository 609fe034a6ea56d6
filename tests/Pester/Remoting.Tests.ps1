# The SSH case needs a server on this machine with the subsystem "powershell" that lets us in by key. MEMLOAD_SSH_PORT and MEMLOAD_SSH_KEY (the path
# of a private key) name one that is not the ordinary server with an ordinary key. Nothing is asked, and no host key is remembered.
BeforeDiscovery {
    $ssh = @{ HostName = 'localhost' }
    $ssh.Options = @{ BatchMode = 'yes'; LogLevel = 'ERROR'; StrictHostKeyChecking = 'no'; UserKnownHostsFile = $IsWindows ? 'NUL' : '/dev/null' }
    if ($env:MEMLOAD_SSH_PORT) { $ssh.Port = [int]$env:MEMLOAD_SSH_PORT }
    if ($env:MEMLOAD_SSH_KEY) { $ssh.KeyFilePath = $env:MEMLOAD_SSH_KEY }
    try { New-PSSession @ssh -ConnectingTimeout 10000 -ErrorAction Stop | Remove-PSSession }
    catch { $noSsh = 'no PowerShell over SSH on localhost: MEMLOAD_SSH_PORT, MEMLOAD_SSH_KEY' }
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $columns = [MemLoad.LoadMeasurement].GetProperties().Name | Sort-Object
    function Assert-Row($Row) {
        $Row.psobject.TypeNames[0] | Should -BeLike '*MemLoad.LoadMeasurement'
        $columns | ForEach-Object { $Row.psobject.Properties.Name | Should -Contain $_ }
        $Row.HostName | Should -Be ([Environment]::MachineName)
        $Row.PeakDeviceBytes | Should -BeOfType long
        $Row.Outcome | Should -Be Loaded
        $Row | Out-String -Width 160 | Should -Match 'Host forecast'
    }
}
Describe 'Rows from elsewhere' {
    It 'survive Start-Job' {
        Assert-Row (Start-Job { Import-Module $using:ModulePath; Measure-LoadMemory $using:file -Strategy Meta } | Receive-Job -Wait -AutoRemoveJob)
    }
    It 'survive ForEach-Object -Parallel' {
        $rows = 1..3 | ForEach-Object -Parallel { Import-Module $using:ModulePath; Measure-LoadMemory $using:file -Strategy Stream -Repeat $_ }
        $rows.Count | Should -Be 6
        Assert-Row $rows[0]
    }
    It 'survive Export-Clixml and serialisation to depth 1' {
        $row = Measure-LoadMemory $file -Strategy Mmap
        $path = Join-Path $TestDrive rows.xml
        $row | Export-Clixml $path
        Assert-Row (Import-Clixml $path)
        Assert-Row ([System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($row, 1)))
    }
    It "survive Invoke-Command over SSH$(if ($noSsh) { " ($noSsh)" })" -Skip:([bool]$noSsh) -ForEach @{ Ssh = $ssh } {
        Assert-Row (Invoke-Command @Ssh { Import-Module $using:ModulePath; Measure-LoadMemory $using:file -Strategy Meta })
        $plan = Invoke-Command @Ssh { Import-Module $using:ModulePath; Get-LoadPlan $using:file -Strategy Meta }
        $plan.psobject.TypeNames[0] | Should -Be Deserialized.MemLoad.LoadForecast
        $plan.ForecastDeviceBytes | Should -BeOfType long
        $plan | Out-String -Width 160 | Should -Match 'Dev forecast'
    }
}
