# The resource of DSC v3 in examples/dsc. DSC itself is not needed: the commands of the resource manifest run as DSC would run them.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $noProgram = $IsWindows -or -not $MemLoadAssembly
}
BeforeAll {
    . $PSScriptRoot/common.ps1
    $folder = Join-Path $RepositoryRoot examples/dsc
    $resource = Get-Content -Raw (Join-Path $folder memload.dsc.resource.json) | ConvertFrom-Json -AsHashtable
    $schema = $resource.schema.embedded | ConvertTo-Json -Depth 9
}
Describe 'The resource manifest' {
    It 'has what DSC requires of an assertion' {
        $resource.'$schema' | Should -Be 'https://aka.ms/dsc/schemas/v3/bundled/resource/manifest.json'
        $resource.type | Should -Match '^\w+(\.\w+){0,2}/\w+$'
        $resource.version | Should -Be $ModuleVersion
        $resource.Keys | Should -Not -Contain set
        $resource.test.return | Should -Be state
        foreach ($operation in $resource.get, $resource.test) {
            $operation.input | Should -Be stdin
            Join-Path $folder $operation.args[-2] | Should -Exist
        }
    }
    It 'accepts the instances of the documented configuration' {
        $document = Get-Content -Raw (Join-Path $RepositoryRoot docs/monitoring.md)
        $yaml = [regex]::Match($document, '(?s)```yaml\r?\n(.+?)```').Groups[1].Value
        $yaml | Should -Match "type: $([regex]::Escape($resource.type))"
        # Returns the properties of an instance as lines "name: value".
        $properties = [regex]::Matches($yaml, '(?m)^ {12}(\w+): (.+?)\r?$')
        $properties.Count | Should -BeGreaterThan 3
        $instance = [ordered]@{}
        foreach ($one in $properties) { $instance[$one.Groups[1].Value] = $one.Groups[2].Value -eq 'true' ? $true : $one.Groups[2].Value }
        $instance | ConvertTo-Json | Test-Json -Schema $schema | Should -BeTrue
    }
}
Describe 'The commands of the resource manifest' {
    if ($noProgram) {
        It 'run if sh and the command memload are installed (7 tests)' -Skip { }
        return
    }
    BeforeAll {
        $file = Join-Path $TestDrive 'modèle.pth'
        New-TinyCheckpoint $file
        $manifest = (New-WeightManifest $file).Manifest
        $cut = Join-Path $TestDrive cut.pth
        [IO.File]::WriteAllBytes($cut, [IO.File]::ReadAllBytes($file)[0..2000])
        $other = Join-Path $TestDrive other.pth
        $null = Export-Weights (New-GptModel @TinyGpt -Name other-weights -Seed 5) $other
        Remove-GptModel other-weights
        $before = $env:PATH
        $env:PATH = "$(New-ProgramFolder (Join-Path $TestDrive bin))$([IO.Path]::PathSeparator)$before"

        # Returns the state, or the messages if the command must fail.
        function Invoke-Operation([string]$Name, $Desired, [int]$ExitCode = 0) {
            $command = $resource.$Name
            Push-Location $folder
            try {
                $text = $Desired -is [string] ? $Desired : ($Desired | ConvertTo-Json -Compress)
                $arguments = $command.args
                $all = $text | & $command.executable @arguments 2>&1
                $code = $LASTEXITCODE
            } finally { Pop-Location }
            $problems, $lines = $all.Where({ $_ -is [Management.Automation.ErrorRecord] }, 'Split')
            $code | Should -Be $ExitCode -Because "$all"
            $resource.exitCodes.Keys | Should -Contain "$code"
            if ($code) {
                $lines | Should -BeNullOrEmpty
                # Each message is a line of JSON.
                return $problems | ForEach-Object { ("$_" | ConvertFrom-Json).error }
            }
            $problems | Should -BeNullOrEmpty
            @($lines).Count | Should -Be 1
            "$lines" | Test-Json -Schema $schema | Should -BeTrue
            "$lines" | ConvertFrom-Json -AsHashtable
        }
    }
    AfterAll { $env:PATH = $before }
    It 'find a sound checkpoint that equals its manifest and fits' {
        $desired = @{
            path = $file; manifest = $manifest; device = 'cpu'; hostMemoryLimit = '1GB'; deep = $true
            sound = $true; matchesManifest = $true; fits = $true
        }
        $state = Invoke-Operation test $desired
        $state._inDesiredState | Should -BeTrue
        foreach ($name in $desired.Keys) { $state[$name] | Should -Be $desired[$name] }
        $state.Keys | Should -Not -Contain finding
        $state = Invoke-Operation get @{ path = $file }
        ($state.path, $state.sound, $state.fits) -join ' ' | Should -Be "$file True True"
        $state.Keys | Should -Not -Contain _inDesiredState
    }
    It 'state why a file is unsound' {
        $state = Invoke-Operation test @{ path = $cut; manifest = $manifest; fits = $true }
        ($state.sound, $state.matchesManifest, $state.fits, $state._inDesiredState) -join ' ' | Should -Be 'False False False False'
        $state.finding | Should -BeLike 'ML2001: *cut off*Copy or download*'
    }
    It 'name the weights that differ from the manifest' {
        $state = Invoke-Operation test @{ path = $other; manifest = $manifest }
        ($state.sound, $state.matchesManifest, $state._inDesiredState) -join ' ' | Should -Be 'True False False'
        $state.finding | Should -BeLike 'ML6111: *differ*'
    }
    It 'state what does not fit, if it is required to fit' {
        $little = @{ path = $file; device = 'cpu'; strategy = 'Stream'; hostMemoryLimit = 1000 }
        $state = Invoke-Operation test ($little + @{ fits = $true })
        ($state.sound, $state.fits, $state._inDesiredState) -join ' ' | Should -Be 'True False False'
        $state.finding | Should -BeLike 'ML7005: Stream needs * 1000 B*'
        $state = Invoke-Operation test $little
        ($state.fits, $state._inDesiredState) -join ' ' | Should -Be 'False True'
    }
    It 'state that a file is missing' {
        $state = Invoke-Operation test @{ path = '/nowhere/model.pth' }
        ($state.sound, $state._inDesiredState) -join ' ' | Should -Be 'False False'
        $state.finding | Should -BeLike 'ML1001: there is no such file (/nowhere/model.pth)*'
    }
    It 'refuse input that is not a desired state' {
        Invoke-Operation test 'path: x' 2 | Should -BeLike 'The desired state is not valid.*JSON*'
        Invoke-Operation get @{ path = $file; paths = 1 } 2 | Should -BeLike 'The desired state is not valid.*/paths*'
        Invoke-Operation test @{ path = $file; strategy = 'Fast' } 2 | Should -BeLike "ML9901: unknown strategy 'Fast'*"
    }
    It 'end in an error if nothing could be compared' {
        Invoke-Operation test @{ path = $file; manifest = '/nowhere/x.json' } 1 | Should -BeLike 'ML1001: *'
        Remove-Item (Join-Path $TestDrive bin/memload)
        Invoke-Operation get @{ path = $file } 1 | Should -BeLike '*memload*PATH*'
    }
}
