# Reading the files of a checkpoint into the page cache.
BeforeAll {
    . $PSScriptRoot/common.ps1
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
}
Describe 'Initialize-WeightCache' {
    It 'reads files of the pipeline and returns a row for each' {
        $copy = Join-Path $TestDrive copy.pth
        Copy-Item $file $copy
        $rows = Get-Item $file, $copy | Initialize-WeightCache
        $rows.Path | Should -Be $file, $copy
        $rows[0] | Should -BeOfType MemLoad.WeightCacheInfo
        $rows[0].FileBytes | Should -Be (Get-Item $file).Length
        $rows[0].ElapsedMicroseconds | Should -BeGreaterThan 0
        if ($IsLinux) { $rows[0].CachedBytes | Should -Be $rows[0].FileBytes }
    }
    It 'shows what it would read, and reads nothing' {
        $text = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command "Import-Module '$ModulePath'; Initialize-WeightCache '$file' -WhatIf" | Out-String
        $text | Should -Match 'Read .* into the page cache.* on target "?.*model\.pth'
        Initialize-WeightCache $file -WhatIf | Should -BeNullOrEmpty
    }
    It 'refuses a file that is not a checkpoint, and continues' {
        $text = Join-Path $TestDrive text.txt
        Set-Content $text hello
        $rows = Initialize-WeightCache $text, $file -ErrorVariable problem -ErrorAction SilentlyContinue
        $rows.Path | Should -Be $file
        $problem.FullyQualifiedErrorId | Should -BeLike 'ML*'
    }
    It 'has a table and a list' {
        $row = Initialize-WeightCache $file
        $row | Format-Table | Out-String | Should -Match 'Files\s+Size\s+Before\s+Cached\s+FileSystem\s+Path'
        $row | Format-List | Out-String | Should -Match 'HostBudgetBytes\s+:\s+\d'
    }
}
