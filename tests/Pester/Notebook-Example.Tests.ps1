BeforeAll {
    . $PSScriptRoot/common.ps1
    $script = Join-Path $RepositoryRoot examples/notebook.ps1
}
Describe 'The notebook' {
    It 'removes only what it created, also after an error' {
        $folder = (New-Item -ItemType Directory (Join-Path $TestDrive mine)).FullName
        Set-Content $folder/keep.txt mine
        { & $script -Device nosuch -Folder $folder } | Should -Throw '*no device called*'
        Get-Content $folder/keep.txt | Should -Be mine
        $new = Join-Path $TestDrive new
        { & $script -Device nosuch -Folder $new } | Should -Throw '*no device called*'
        $new | Should -Not -Exist
    }
}
