# The build of TorchSharp's devices is not in output/. These tests copy it to the folder of a copy of the module, and use that copy in
# separate processes.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    # A build on Linux has no libraries for Windows.
    $build = Get-ChildItem (Join-Path $RepositoryRoot src/MemLoad.Torch/bin/*/net10.0/MemLoad.Torch.dll) -ErrorAction Ignore |
        Where-Object { -not ($IsWindows -and (Test-Path (Join-Path $_.DirectoryName libtorch/*.so))) } | Sort-Object LastWriteTime | Select-Object -Last 1
    $parameters = @{ Build = "$($build.DirectoryName)" }
}
BeforeAll { . $PSScriptRoot/common.ps1 }
Describe 'The TorchSharp assembly' {
    It 'is not loaded by importing the module, by completing a device or by using another one' {
        $script = "Import-Module '$ModulePath'
            `$null = [System.Management.Automation.CommandCompletion]::CompleteInput('New-GptModel -Device t', 22, `$null)
            `$null = New-GptModel -VocabularySize 64 -ContextLength 16 -EmbeddingSize 8 -LayerCount 2 -HeadCount 2
            @([AppDomain]::CurrentDomain.GetAssemblies().GetName().Name -match 'Torch').Count"
        Invoke-ThisPowerShell -NoLogo -NoProfile -NonInteractive -Command $script | Should -Be 0
    }
    It 'is not needed for a refusal in one sentence' {
        $failure = { New-GptModel @TinyGpt -Device cuda:99 -ErrorAction Stop } | Should -Throw -ErrorId 'ML7004,MemLoad.Commands.NewGptModelCommand' -PassThru
        $failure.Exception.Message | Should -Not -Match "`n"
    }
}
Describe 'torch:cpu' -ForEach $parameters {
    if (-not $Build) {
        It 'is tested if it is built (10 tests: dotnet build src/MemLoad.Torch)' -Skip { }
        return
    }
    BeforeAll {
        $copy = New-Item -ItemType Directory (Join-Path $TestDrive "MemLoad/$ModuleVersion")
        Get-ChildItem (Split-Path $ModulePath) -Exclude torch | Copy-Item -Destination $copy -Recurse
        # Half a gigabyte is hard-linked and not copied.
        $null = New-Item -ItemType ($IsWindows ? 'Junction' : 'SymbolicLink') (Join-Path $copy torch) -Value $Build
        function Invoke-WithTorch([scriptblock]$Script, [object[]]$Arguments, [string]$LibTorch) {
            Start-Job {
                param($Module, $LibTorch, $Script, $Arguments)
                $ErrorActionPreference = 'Stop'
                $env:MEMLOAD_LIBTORCH = $LibTorch
                Import-Module $Module
                . ([scriptblock]::Create($Script)) @Arguments
            } -ArgumentList (Join-Path $copy MemLoad.psd1), $LibTorch, "$Script", $Arguments | Receive-Job -Wait -AutoRemoveJob
        }
        $file = Join-Path $TestDrive source.pth
        New-TinyCheckpoint $file
    }
    It 'is available, with the versions of TorchSharp and libtorch' {
        $device = Invoke-WithTorch { Get-MemLoadRuntime } | Where-Object Device -EQ torch:cpu
        $device.Available | Should -BeTrue -Because $device.Details
        $device.Library | Should -Match '^TorchSharp \d+\.\d+\.\d+, libtorch \d+\.\d+\.\d+$'
        $device.LibraryPath | Should -Exist
    }
    It 'runs the model that cpu runs' {
        $logits = Invoke-WithTorch {
            foreach ($device in 'cpu', 'torch:cpu') {
                $model = New-GptModel -VocabularySize 64 -ContextLength 16 -EmbeddingSize 8 -LayerCount 2 -HeadCount 2 -Device $device
                , (Invoke-GptModel $model 1, 2, 3).Logits
            }
        }
        $logits[1].Count | Should -Be $logits[0].Count
        0..($logits[0].Count - 1) | ForEach-Object { [math]::Abs($logits[0][$_] - $logits[1][$_]) } | Measure-Object -Maximum | ForEach-Object Maximum | Should -BeLessThan 1e-5
    }
    It 'loads weights with every strategy, runs them, writes them again and releases them' {
        $shapes = Invoke-WithTorch {
            param($File, $Strategies)
            foreach ($strategy in $Strategies) {
                $model = Import-Weights $File -Device torch:cpu -Strategy $strategy -HeadCount 2
                (Invoke-GptModel $model 1, 2).Shape
                $null = Export-Weights $model ([IO.Path]::ChangeExtension($File, "$strategy.safetensors"))
                Remove-GptModel $model
            }
        } $file, $StrategyNames
        $shapes | Should -Be (, '1,2,64' * $StrategyNames.Count)
        foreach ($strategy in $StrategyNames) {
            ((Get-WeightInfo ([IO.Path]::ChangeExtension($file, "$strategy.safetensors")) -Hash).Sha256 | Sort-Object) | Should -Be ((Get-WeightInfo $file -Hash).Sha256 | Sort-Object)
        }
    }
    It 'is measured in a separate process' {
        $rows = Invoke-WithTorch { param($File) 'torch:cpu', 'cpu' | ForEach-Object { Measure-LoadMemory $File -Device $_ -Strategy Stream } } (, $file)
        $rows.Outcome | Should -Be Loaded, Loaded
        @($rows.WeightsDigest | Select-Object -Unique).Count | Should -Be 1
    }
    It 'gives one sentence, and the session continues, if MEMLOAD_LIBTORCH names <What>' -ForEach @(
        @{ What = 'an empty folder'; Files = @{}; Sentence = '*there is no *torch_cpu*' }
        @{ What = 'no folder'; Files = $null; Sentence = '*there is no *torch_cpu*' }
        @{ What = 'a libtorch that its archive says is 2.6'; Files = @{ 'build-version' = '2.6.0+cpu' }; Sentence = '*is libtorch 2.6.0, and this build of TorchSharp needs libtorch 2.10' }
        @{ What = 'a libtorch that its Python package says is 2.6'; Files = @{ 'version.py' = "__version__ = '2.6.0'" }; Sentence = '*is libtorch 2.6.0, and this build of TorchSharp needs libtorch 2.10' }
        @{ What = 'a libtorch of another processor'; Files = @{}; Header = '7f454c46020101000000000000000000030028000100000000000000'; Sentence = '* is for *, and this process is for *' }
        @{ What = 'what is no library'; Files = @{}; Header = '68656c6c6f'; Sentence = 'libtorch does not load: *' }
    ) {
        $folder = Join-Path $TestDrive ([guid]::NewGuid())
        if ($null -ne $Files) {
            $lib = New-Item -ItemType Directory (Join-Path $folder lib)
            foreach ($name in $Files.Keys) { Set-Content (Join-Path $folder $name) $Files[$name] }
            if ($Files.Count -or $Header) {
                foreach ($name in 'c10', 'torch_cpu') {
                    $library = Join-Path $lib ($IsWindows ? "$name.dll" : $IsMacOS ? "lib$name.dylib" : "lib$name.so")
                    [IO.File]::WriteAllBytes($library, [convert]::FromHexString($Header ?? '7f454c46'))
                }
            }
        }
        $device, $after = Invoke-WithTorch { Get-MemLoadRuntime | Where-Object Device -EQ torch:cpu; 'alive' } -LibTorch $folder
        $after | Should -Be alive
        $device.Available | Should -BeFalse
        $device.Details | Should -BeLike $Sentence
        $device.Details | Should -Not -Match "`n"
    }
}
