BeforeDiscovery { $NoJobs = -not $IsWindows -and -not (Get-Command (Join-Path $PSHOME pwsh) -CommandType Application -ErrorAction Ignore) }
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
        $Row | Out-String -Width 160 | Should -Match 'Strategy +Device +Host'
    }
}
Describe 'Rows from other processes' {
    # The folder of a .NET tool has a pwsh that only the user who installed the tool may start. Start-Job starts no other pwsh.
    It 'survive Start-Job' -Skip:($NoJobs) {
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
}
