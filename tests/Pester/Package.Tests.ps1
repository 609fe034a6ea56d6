# The package of the module is created here. The archive of the command is that of ./build.ps1 -Task Package in output/, because creating it
# takes minutes. Both are installed as by a user.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $output = Join-Path $RepositoryRoot output
    $here = $IsLinux -and [Runtime.InteropServices.RuntimeInformation]::OSArchitecture -eq 'X64'
    $noArchive = -not ($here -and (Test-Path (Join-Path $output "memload-$ModuleVersion-linux-x64.tar.gz")))
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $output = Join-Path $RepositoryRoot output
    $file = Join-Path $TestDrive model.pth
    New-TinyCheckpoint $file
}
Describe 'The package of the module' {
    It 'gives a row in an empty PowerShell' {
        $repository = (New-Item -ItemType Directory (Join-Path $TestDrive packages)).FullName
        # A copy of the scripts and the module, with a dotnet that compiles nothing. The script therefore packs the tested module, without
        # libtorch.
        $copy = (New-Item -ItemType Directory (Join-Path $TestDrive clone)).FullName
        $staged = New-Item -ItemType Directory (Join-Path $copy built)
        Get-ChildItem (Split-Path $ModulePath) -Exclude torch | Copy-Item -Destination $staged -Recurse
        Copy-Item (Join-Path $RepositoryRoot build.ps1) $copy
        Copy-Item (Join-Path $RepositoryRoot build/*.ps1) (New-Item -ItemType Directory "$copy/build")
        Copy-Item (Join-Path $RepositoryRoot module) $copy -Recurse
        $build = {
            param($Copy, $Version, $Feed)
            function dotnet {
                $global:LASTEXITCODE = 0
                if ($args[0] -eq 'publish') {
                    $to = New-Item -ItemType Directory $args[[array]::IndexOf($args, '-o') + 1]
                    $library = Get-ChildItem "$Copy/built" -Filter *.dll | Where-Object BaseName -NotIn MemLoad.Cmdlets, MemLoad.Isolation
                    $library | Copy-Item -Destination $to
                    return
                }
                $null = New-Item -ItemType Directory "$Copy/output/MemLoad" -Force
                Copy-Item "$Copy/built" "$Copy/output/MemLoad/$Version" -Recurse
            }
            & "$Copy/build.ps1" -Task Publish -Feed $Feed
        }
        (& $build $copy $ModuleVersion $repository).Name | Should -Be "MemLoad.$ModuleVersion.nupkg"
        (& $build $copy $ModuleVersion $repository).Name | Should -Be "MemLoad.$ModuleVersion.nupkg"
        (Get-ChildItem $repository -Force).Name | Should -Be "MemLoad.$ModuleVersion.nupkg"
        $emptyHome = (New-Item -ItemType Directory (Join-Path $TestDrive home)).FullName
        $processor = "$([Runtime.InteropServices.RuntimeInformation]::ProcessArchitecture)".ToLowerInvariant()
        $system = ($IsWindows ? 'win' : $IsMacOS ? 'osx' : 'linux') + "-$processor"
        $script = @"
            `$ErrorActionPreference = 'Stop'
            `$PSStyle.OutputRendering = 'PlainText'
            if (Get-Module MemLoad -ListAvailable) { throw 'this PowerShell is not empty' }
            Register-PSResourceRepository -Name MemLoadFolder -Uri '$repository' -Trusted
            Install-PSResource MemLoad -Repository MemLoadFolder
            `$base = (Get-Module MemLoad -ListAvailable).ModuleBase
            foreach (`$part in 'examples/Measure-Fleet.ps1', 'examples/Server.Tests.ps1', 'docs/report.md', 'README.md') {
                if (-not (Test-Path (Join-Path `$base `$part))) { throw "The package has no `$part" }
            }
            `$row = Measure-LoadMemory '$file' -Strategy Stream
            # The package has the library for each system, and the module takes that of this one.
            `$systems = (Get-ChildItem (Join-Path `$base native) -Directory).Name
            if ("`$systems" -ne 'linux-arm64 linux-x64 osx-arm64 win-x64') { throw "The package has native code for `$systems" }
            `$library = [MemLoad.Strategy].Assembly.Location
            if (`$library -ne (Join-Path `$base native $system MemLoad.Core.dll)) { throw "The module took `$library" }
            `$row | ConvertTo-Csv
"@
        $kept = $env:HOME, $env:XDG_DATA_HOME, $env:XDG_CONFIG_HOME, $env:XDG_CACHE_HOME, $env:PSModulePath, $env:USERPROFILE, $env:LOCALAPPDATA
        try {
            $env:HOME = $env:USERPROFILE = $env:LOCALAPPDATA = $emptyHome
            $env:XDG_DATA_HOME = $env:XDG_CONFIG_HOME = $env:XDG_CACHE_HOME = $env:PSModulePath = $null
            $text = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command $script 2>&1
        } finally {
            $env:HOME, $env:XDG_DATA_HOME, $env:XDG_CONFIG_HOME, $env:XDG_CACHE_HOME, $env:PSModulePath, $env:USERPROFILE, $env:LOCALAPPDATA = $kept
        }
        $LASTEXITCODE | Should -Be 0 -Because ($text -join "`n")
        $row = $text | ConvertFrom-Csv
        $row.Outcome | Should -Be Loaded
        $row.ModuleVersion | Should -Be $ModuleVersion
    }
}
Describe 'The folder of the module' {
    It 'has every example and document of the repository' {
        $base = Split-Path $ModulePath
        foreach ($folder in 'examples', 'examples/dsc', 'examples/monitoring', 'docs', 'docs/pictures') {
            $files = Get-ChildItem (Join-Path $RepositoryRoot $folder) -File
            $files | Should -Not -BeNullOrEmpty
            foreach ($file in $files) { (Get-FileHash (Join-Path $base $folder $file.Name)).Hash | Should -Be (Get-FileHash $file).Hash }
        }
    }
    It 'has the documents that help and messages name' {
        $base = Split-Path $ModulePath
        $help = Get-ChildItem (Join-Path $base en-US), (Join-Path $base ja-JP) | Get-Content -Raw
        $messages = Get-RuleText
        $named = [regex]::Matches("$help $messages", '\bdocs/[\w-]+\.md').Value | Sort-Object -Unique
        $named | Should -Contain docs/report.md
        foreach ($document in $named) { Join-Path $base $document | Should -Exist }
    }
    It 'has scripts that find the module that includes them' {
        $base = Split-Path $ModulePath
        $text = Get-Content -Raw (Join-Path $base examples/notebook.ps1)
        $first = [regex]::Match($text, '(?s)if \(-not \(Get-Module MemLoad\)\) \{.*?\n\}').Value.Replace('$PSScriptRoot', "'$base/examples'")
        $found = Invoke-ThisPowerShell -NoProfile -NonInteractive -Command "`$ErrorActionPreference = 'Stop'; $first; (Get-Module MemLoad).ModuleBase"
        $found | Should -Be $base
    }
}
Describe 'The archive of the command' {
    if ($noArchive) {
        It 'is tested if there is one (2 tests: ./build.ps1 -Task Package creates it)' -Skip { }
        return
    }
    It 'gives a row without .NET on the machine' {
        $folder = (New-Item -ItemType Directory (Join-Path $TestDrive archive)).FullName
        tar xzf (Join-Path $output "memload-$ModuleVersion-linux-x64.tar.gz") -C $folder
        $program = Join-Path $folder "memload-$ModuleVersion-linux-x64/memload"
        # The .NET of this machine is not available: no variable names it, and it is not on the path.
        $clean = '-i', 'PATH=/nowhere', "HOME=$folder"
        /usr/bin/env @clean $program --version | Should -BeLike "$ModuleVersion*"
        $rows = /usr/bin/env @clean $program measure --path $file --format csv | ConvertFrom-Csv
        $rows.Count | Should -Be $StrategyNames.Count
        $rows.Outcome | Sort-Object -Unique | Should -Be Loaded
        Get-ChildItem (Split-Path $program) | ForEach-Object Name | Sort-Object |
            Should -Be 'CHANGELOG.md', 'dotnet-LICENSE.TXT', 'dotnet-THIRD-PARTY-NOTICES.TXT', 'LICENSE', 'memload', 'README.md', 'THIRD-PARTY.md'
    }
    It 'has the hash in SHA256SUMS' {
        $sums = Get-Content (Join-Path $output SHA256SUMS)
        $sums.Count | Should -Be @(Get-ChildItem $output -File | Where-Object Name -ne SHA256SUMS).Count
        foreach ($line in $sums) {
            $hash, $name = $line -split '  '
            (Get-FileHash (Join-Path $output $name) -Algorithm SHA256).Hash | Should -Be $hash
        }
    }
}
