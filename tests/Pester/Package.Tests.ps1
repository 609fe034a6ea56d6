# What ./build.ps1 -Task Package left in output/, installed as a user would. It takes minutes to make and is not made here.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $output = Join-Path $RepositoryRoot output
    $noPackage = -not (Test-Path (Join-Path $output "MemLoad.$ModuleVersion.nupkg"))
    $here = $IsLinux -and [Runtime.InteropServices.RuntimeInformation]::OSArchitecture -eq 'X64'
    $noArchive = -not ($here -and (Test-Path (Join-Path $output "memload-$ModuleVersion-linux-x64.tar.gz")))
    $build = '(there is none: ./build.ps1 -Task Package)'
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $output = Join-Path $RepositoryRoot output
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
}
Describe 'The package of the module' {
    It "gives a row in an empty PowerShell $(if ($noPackage) { $build })" -Skip:$noPackage {
        $repository = (New-Item -ItemType Directory (Join-Path $TestDrive packages)).FullName
        Copy-Item (Join-Path $output "MemLoad.$ModuleVersion.nupkg") $repository
        $emptyHome = (New-Item -ItemType Directory (Join-Path $TestDrive home)).FullName
        $script = @"
            `$ErrorActionPreference = 'Stop'
            `$PSStyle.OutputRendering = 'PlainText'
            if (Get-Module MemLoad -ListAvailable) { throw 'this PowerShell is not empty' }
            Register-PSResourceRepository -Name MemLoadFolder -Uri '$repository' -Trusted
            Install-PSResource MemLoad -Repository MemLoadFolder
            Measure-LoadMemory '$file' -Strategy Stream | ConvertTo-Csv
"@
        $kept = $env:HOME, $env:XDG_DATA_HOME, $env:XDG_CONFIG_HOME, $env:XDG_CACHE_HOME, $env:PSModulePath, $env:USERPROFILE, $env:LOCALAPPDATA
        try {
            $env:HOME = $env:USERPROFILE = $env:LOCALAPPDATA = $emptyHome
            $env:XDG_DATA_HOME = $env:XDG_CONFIG_HOME = $env:XDG_CACHE_HOME = $env:PSModulePath = $null
            $text = & (Get-Process -Id $PID).Path -NoProfile -NonInteractive -Command $script 2>&1
        } finally {
            $env:HOME, $env:XDG_DATA_HOME, $env:XDG_CONFIG_HOME, $env:XDG_CACHE_HOME, $env:PSModulePath, $env:USERPROFILE, $env:LOCALAPPDATA = $kept
        }
        $LASTEXITCODE | Should -Be 0 -Because ($text -join "`n")
        $row = $text | ConvertFrom-Csv
        $row.Outcome | Should -Be Loaded
        $row.ModuleVersion | Should -Be $ModuleVersion
    }
}
Describe 'The archive of the command' {
    It "gives a row without .NET on the machine $(if ($noArchive) { $build })" -Skip:$noArchive {
        $folder = (New-Item -ItemType Directory (Join-Path $TestDrive archive)).FullName
        tar xzf (Join-Path $output "memload-$ModuleVersion-linux-x64.tar.gz") -C $folder
        $program = Join-Path $folder "memload-$ModuleVersion-linux-x64/memload"
        # Nothing of this machine's .NET: no variable names it, and it is not on the path.
        $clean = '-i', 'PATH=/nowhere', "HOME=$folder"
        /usr/bin/env @clean $program --version | Should -BeLike "$ModuleVersion*"
        $rows = /usr/bin/env @clean $program measure --path $file --format csv | ConvertFrom-Csv
        $rows.Count | Should -Be $StrategyNames.Count
        $rows.Outcome | Sort-Object -Unique | Should -Be Loaded
        Get-ChildItem (Split-Path $program) | ForEach-Object Name | Sort-Object |
            Should -Be 'CHANGELOG.md', 'dotnet-LICENSE.TXT', 'dotnet-THIRD-PARTY-NOTICES.TXT', 'LICENSE', 'memload', 'README.md', 'THIRD-PARTY.md'
    }
    It "is as SHA256SUMS says $(if (-not (Test-Path (Join-Path $output SHA256SUMS))) { $build })" -Skip:(-not (Test-Path (Join-Path $output SHA256SUMS))) {
        $sums = Get-Content (Join-Path $output SHA256SUMS)
        $sums.Count | Should -Be @(Get-ChildItem $output -File | Where-Object Name -ne SHA256SUMS).Count
        foreach ($line in $sums) {
            $hash, $name = $line -split '  '
            (Get-FileHash (Join-Path $output $name) -Algorithm SHA256).Hash | Should -Be $hash
        }
    }
}
