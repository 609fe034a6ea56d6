BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
    $samples = Join-Path $TestDrive samples.jsonl
    $rows = Measure-LoadMemory $file -Strategy Meta, Stream -Device sim -TimelinePath $samples
    function Get-Page([string]$Path) { [xml](Get-Content -Raw $Path) }
    function Get-Picture([xml]$Page) { $Page.GetElementsByTagName('figure') }
}
Describe 'Export-LoadReport' {
    It 'writes a page of the last measurement, with a picture over time for each strategy' {
        $report = $rows | Export-LoadReport (Join-Path $TestDrive a.html) -TimelinePath $samples -PassThru
        $report | Should -BeOfType System.IO.FileInfo
        $page = Get-Page $report
        @(Get-Picture $page).Count | Should -Be 4
        $page.GetElementsByTagName('script').Count | Should -Be 1
        $page.html.head.title | Should -BeLike 'Load report*'
    }
    It 'keeps the samples with the rows, one line per load' {
        @(Get-Content $samples).Count | Should -Be 2
        (Get-Content $samples)[1] | ConvertFrom-Json | ForEach-Object Strategy | Should -Be Stream
        $rows[0].PSObject.Properties.Name | Should -Not -Contain Points
    }
    It 'accepts rows that were <Name>' -TestCases @(
        @{ Name = 'CSV'; Script = { $rows | ConvertTo-Csv | ConvertFrom-Csv } }
        @{ Name = 'JSON'; Script = { $rows | ConvertTo-Json | ConvertFrom-Json } }
        @{ Name = 'XML'; Script = { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($rows)) } }
        @{ Name = 'CLIXML'; Script = { $rows | Export-Clixml $TestDrive/rows.xml; Import-Clixml $TestDrive/rows.xml } }
    ) {
        $path = Join-Path $TestDrive "$Name.html"
        & $Script | Export-LoadReport -Path $path -TimelinePath (Join-Path $TestDrive *.jsonl)
        @(Get-Picture (Get-Page $path)).Count | Should -Be 4
    }
    It 'reports the valid rows, with one error for an invalid row' {
        $path = Join-Path $TestDrive bad.html
        $rows[0], [pscustomobject]@{ Strategy = 'Meta' }, $null, $rows[1] | Export-LoadReport $path -ErrorVariable problems -ErrorAction SilentlyContinue
        $problems.Count | Should -Be 1
        $problems[0].FullyQualifiedErrorId | Should -Be 'ML8102,MemLoad.Commands.ExportLoadReportCommand'
        $problems[0].Exception.Message | Should -BeLike 'object 2 of the pipeline has no Device*'
        (Get-Content -Raw $path) | Should -BeLike '*2 loads on 1 machine*'
    }
    It 'replaces existing files as Export-Csv does, and writes nothing with -WhatIf' {
        $path = Join-Path $TestDrive there.html
        Set-Content $path old
        { $rows | Export-LoadReport $path -NoClobber -Force } | Should -Throw '*leave out -NoClobber.' -ErrorId 'ML9102,MemLoad.Commands.ExportLoadReportCommand'
        Set-ItemProperty $path IsReadOnly $true
        { $rows | Export-LoadReport $path } | Should -Throw -ErrorId 'ML9103,MemLoad.Commands.ExportLoadReportCommand'
        Get-Content $path | Should -Be old
        $rows | Export-LoadReport $path -Force | Should -BeNullOrEmpty
        Get-Content -Raw $path | Should -BeLike '<!DOCTYPE html>*'
        (Get-Item $path).IsReadOnly | Should -BeTrue
        Set-ItemProperty $path IsReadOnly $false
        Set-Content $path old
        $rows | Export-LoadReport $path | Should -BeNullOrEmpty
        Get-Content -Raw $path | Should -BeLike '<!DOCTYPE html>*'
        $rows | Export-LoadReport (Join-Path $TestDrive whatif.html) -WhatIf
        Join-Path $TestDrive whatif.html | Should -Not -Exist
    }
    It 'writes pictures for a wiki' {
        $folder = Join-Path $TestDrive pictures
        $rows | Export-LoadReport (Join-Path $TestDrive b.html) -TimelinePath $samples -PicturePath $folder
        @(Get-ChildItem $folder -Filter *.svg).Count | Should -Be 4
        @(Get-ChildItem $folder -Filter *.png).Count | Should -Be 4
    }
    It 'tests <Name> before the measurement, and names the rule' -TestCases @(
        @{ Name = 'that the folder is there'; Arguments = @{ Destination = 'TestDrive:/nowhere/a.html' }; Rule = 'ML9103' }
        @{ Name = 'that the target is no folder'; Arguments = @{ Destination = 'TestDrive:/folder.html' }; Rule = 'ML9103' }
        @{ Name = 'that the folder can be written'; Arguments = @{ Destination = $IsLinux ? '/proc/a.html' : 'TestDrive:/folder.html' }; Rule = 'ML9103' }
        @{ Name = 'that nothing is there'; Arguments = @{ Destination = 'TestDrive:/model.pth.html'; NoClobber = $true }; Rule = 'ML9102' }
        @{ Name = 'that the name is that of a page'; Arguments = @{ Destination = 'TestDrive:/model.pth' }; Rule = 'ML1008' }
        @{ Name = 'that pictures have a place'; Arguments = @{ Destination = 'TestDrive:/p.html'; PicturePath = 'TestDrive:/model.pth/pictures' }; Rule = 'ML9103' }
        @{ Name = 'that it is a file'; Arguments = @{ Destination = 'Env:/a.html' }; Rule = 'ML1009' }
    ) {
        $null = New-Item -ItemType Directory -Force (Join-Path $TestDrive folder.html)
        Set-Content (Join-Path $TestDrive model.pth.html) old
        $names = (Get-ChildItem $TestDrive -Force).Name
        $script:measured = $false
        { & { $script:measured = $true; $rows } | Export-LoadReport @Arguments } | Should -Throw -ErrorId "$Rule,MemLoad.Commands.ExportLoadReportCommand"
        $script:measured | Should -BeFalse
        (Get-ChildItem $TestDrive -Force).Name | Should -Be $names
    }
    It 'keeps the rows if writing fails, and if samples cannot be read' {
        $folder = New-Item -ItemType Directory (Join-Path $TestDrive gone)
        try { & { Remove-Item $folder -Recurse; $rows } | Export-LoadReport (Join-Path $folder a.html) -WarningVariable warnings -WarningAction SilentlyContinue }
        catch { $problem = $_ }
        $problem.FullyQualifiedErrorId | Should -Be 'ML9103,MemLoad.Commands.ExportLoadReportCommand'
        $problem.TargetObject.WeightsDigest | Should -Be $rows.WeightsDigest
        "$warnings" | Should -BeLike 'The 2 rows are not lost. *TargetObject*'
        $page = Join-Path $TestDrive without.html
        $rows | Export-LoadReport $page -TimelinePath $file, (Join-Path $TestDrive none.jsonl), $samples -ErrorVariable problems -ErrorAction SilentlyContinue
        $problems.FullyQualifiedErrorId | Should -Be 'ML8111,MemLoad.Commands.ExportLoadReportCommand', 'ML1001,MemLoad.Commands.ExportLoadReportCommand'
        @(Get-Picture (Get-Page $page)).Count | Should -Be 4
    }
    It 'shows what was written' {
        $rows | Export-LoadReport (Join-Path $TestDrive shown.html) -PassThru | Out-String -Width 80 | Should -Match '(?s)Rows +Pictures +Size +Written.* 2 +2 +[\d.]+ KiB .*shown\.html'
    }
    It 'states that there is nothing to report' {
        { @() | Export-LoadReport (Join-Path $TestDrive none.html) } | Should -Throw -ErrorId 'ML8104,MemLoad.Commands.ExportLoadReportCommand'
    }
    It 'refuses a file that does not contain samples, before the measurement' {
        { Measure-LoadMemory -Size gpt2-xl -TimelinePath (Join-Path $TestDrive nowhere/s.jsonl) } | Should -Throw -ErrorId 'ML9103,MemLoad.Commands.MeasureLoadMemoryCommand'
        if ($IsLinux) { { Measure-LoadMemory -Size gpt2-xl -TimelinePath /proc/s.jsonl } | Should -Throw -ErrorId 'ML9103,MemLoad.Commands.MeasureLoadMemoryCommand' }
        { Measure-LoadMemory $file -TimelinePath $file -ErrorAction Stop } | Should -Throw -ErrorId 'ML8111,MemLoad.Commands.MeasureLoadMemoryCommand'
        { $rows | Export-LoadReport (Join-Path $TestDrive c.html) -TimelinePath $file } | Should -Throw -ErrorId 'ML8111,MemLoad.Commands.ExportLoadReportCommand'
    }
    It 'warns if all samples belong to other loads' {
        $samples = Join-Path $TestDrive other.jsonl
        $null = Measure-LoadMemory $file -Strategy Mmap -InProcess -TimelinePath $samples
        $rows | Export-LoadReport (Join-Path $TestDrive other.html) -TimelinePath $samples -WarningVariable said 3> $null
        "$said" | Should -BeLike 'The samples belong to other loads than the rows.*'
    }

    It 'compares with earlier rows and warns of loads that are worse' {
        $rows | Export-Csv (Join-Path $TestDrive before.csv)
        $worse = $rows | ConvertTo-Json | ConvertFrom-Json
        $worse[1].PeakHostBytes += 1GB

        $same = $rows | Export-LoadReport (Join-Path $TestDrive same.html) -BaselinePath (Join-Path $TestDrive befor?.csv) -PassThru -WarningVariable quiet
        $page = $worse | Export-LoadReport (Join-Path $TestDrive worse.html) -BaselinePath (Join-Path $TestDrive before.csv) -PassThru -WarningVariable said 3> $null

        $same.WorseCount, $page.WorseCount | Should -Be 0, 1
        $quiet | Should -BeNullOrEmpty
        "$said" | Should -BeLike '1 of the loads are worse*worse.html*'
        { $rows | Export-LoadReport (Join-Path $TestDrive none.html) -BaselinePath (Join-Path $TestDrive none.csv) -ErrorAction Stop } |
            Should -Throw -ErrorId 'ML1001*'
    }
}
