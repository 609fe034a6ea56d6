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
    It 'makes a page of what was just measured, with a picture over time for each strategy' {
        $report = $rows | Export-LoadReport (Join-Path $TestDrive a.html) -TimelinePath $samples -PassThru
        $report | Should -BeOfType System.IO.FileInfo
        $page = Get-Page $report
        @(Get-Picture $page).Count | Should -Be 4
        $page.GetElementsByTagName('script').Count | Should -Be 0
        $page.html.head.title | Should -BeLike 'Load report*'
    }
    It 'keeps the samples beside the rows, one line a load' {
        @(Get-Content $samples).Count | Should -Be 2
        (Get-Content $samples)[1] | ConvertFrom-Json | ForEach-Object Strategy | Should -Be Stream
        $rows[0].PSObject.Properties.Name | Should -Not -Contain Points
    }
    It 'takes rows that were <Name>' -TestCases @(
        @{ Name = 'CSV'; Script = { $rows | ConvertTo-Csv | ConvertFrom-Csv } }
        @{ Name = 'JSON'; Script = { $rows | ConvertTo-Json | ConvertFrom-Json } }
        @{ Name = 'XML'; Script = { [System.Management.Automation.PSSerializer]::Deserialize([System.Management.Automation.PSSerializer]::Serialize($rows)) } }
    ) {
        $path = Join-Path $TestDrive "$Name.html"
        & $Script | Export-LoadReport -Path $path -TimelinePath (Join-Path $TestDrive *.jsonl)
        @(Get-Picture (Get-Page $path)).Count | Should -Be 4
    }
    It 'reports the good rows, and a bad one costs one error' {
        $path = Join-Path $TestDrive bad.html
        $rows[0], [pscustomobject]@{ Strategy = 'Meta' }, $null, $rows[1] | Export-LoadReport $path -ErrorVariable problems -ErrorAction SilentlyContinue
        $problems.Count | Should -Be 1
        $problems[0].FullyQualifiedErrorId | Should -Be 'ML8102,MemLoad.Commands.ExportLoadReportCommand'
        $problems[0].Exception.Message | Should -BeLike 'object 2 of the pipeline has no Device*'
        (Get-Content -Raw $path) | Should -BeLike '*2 loads on 1 machine*'
    }
    It 'replaces nothing unasked, and writes nothing with -WhatIf' {
        $path = Join-Path $TestDrive there.html
        Set-Content $path old
        { $rows | Export-LoadReport $path } | Should -Throw -ErrorId 'ML9102,MemLoad.Commands.ExportLoadReportCommand'
        Get-Content $path | Should -Be old
        $rows | Export-LoadReport $path -Force | Should -BeNullOrEmpty
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
    It 'says that there is nothing to report' {
        { @() | Export-LoadReport (Join-Path $TestDrive none.html) } | Should -Throw -ErrorId 'ML8104,MemLoad.Commands.ExportLoadReportCommand'
    }
    It 'refuses samples that are something else, before anything is measured' {
        { Measure-LoadMemory $file -TimelinePath $file -ErrorAction Stop } | Should -Throw -ErrorId 'ML8111,MemLoad.Commands.MeasureLoadMemoryCommand'
        { $rows | Export-LoadReport (Join-Path $TestDrive c.html) -TimelinePath $file } | Should -Throw -ErrorId 'ML8111,MemLoad.Commands.ExportLoadReportCommand'
    }
}
