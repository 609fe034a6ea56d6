# A card in PowerShell. tests/PlayedCuda is a CUDA driver that is simulated in host memory. If it is published, it is found in the same way
# as NVIDIA's driver.
BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    $library = Join-Path $RepositoryRoot tests/PlayedCuda/bin/library
    $parameters = @{ Library = (Test-Path (Join-Path $library libcuda.so.1)) ? $library : '' }
}
BeforeAll { . $PSScriptRoot/common.ps1 }
Describe 'cuda:0' -ForEach $parameters {
    if (-not $Library) {
        It 'is tested if the simulated driver is built (4 tests: dotnet publish tests/PlayedCuda -r linux-x64)' -Skip { }
        return
    }
    BeforeAll {
        $file = Join-Path $TestDrive tiny.pth
        New-TinyCheckpoint $file
        # The dynamic linker reads LD_LIBRARY_PATH when a process starts.
        function Invoke-WithCard([string]$Script) {
            $before = $env:LD_LIBRARY_PATH
            $env:LD_LIBRARY_PATH = $Library
            try { Invoke-ThisPowerShell -NoLogo -NoProfile -NonInteractive -Command "Import-Module '$ModulePath'; `$file = '$file'; $Script" | ConvertFrom-Json }
            finally { $env:LD_LIBRARY_PATH = $before }
        }
    }
    It 'is the default device, and every strategy loads the same weights as forecast' {
        $rows = Invoke-WithCard 'Measure-LoadMemory $file | ConvertTo-Json'
        $rows.Strategy | Should -Be Baseline, Sequential, Meta, Mmap, PerTensor, Stream
        $rows.Device | Sort-Object -Unique | Should -Be 'cuda:0'
        $rows.Verdict | Sort-Object -Unique | Should -Be 'as forecast'
        @($rows.WeightsDigest | Sort-Object -Unique).Count | Should -Be 1
        $rows.DeviceName | Sort-Object -Unique | Should -Be 'Played card'
        $rows[0].PeakCardBytes | Should -Be $rows[0].PeakDeviceReservedBytes
    }
    It 'has a model that computes on the host, and reports it' {
        $result = Invoke-WithCard '$m = Import-Weights $file -HeadCount 2 -Strategy Stream -Force; $h = Import-Weights $file -HeadCount 2 -Device cpu
            $said = Invoke-GptModel $m 1, 2, 3 -Verbose 4>&1; $there = Invoke-GptModel $h 1, 2, 3
            @{ Device = $m.Device; Text = "$($said[0])"; Same = "$($said[-1].Logits)" -ceq "$($there.Logits)"; Free = (Get-MemLoadRuntime | ? Device -eq cuda:0).DeviceFreeBytes
               After = $(Remove-GptModel $m; (Get-MemLoadRuntime | ? Device -eq cuda:0).DeviceFreeBytes) } | ConvertTo-Json'
        $result.Device | Should -Be 'cuda:0'
        $result.Text | Should -BeLike '*copied from cuda:0 to the host*'
        $result.Same | Should -BeTrue
        $result.After | Should -BeGreaterThan $result.Free
    }
    It 'follows CUDA_VISIBLE_DEVICES that is set in the shell before its first use' {
        $result = Invoke-WithCard '$env:CUDA_VISIBLE_DEVICES = "-1"; Get-MemLoadRuntime | ? Device -eq cuda:0 | Select-Object Available, Details | ConvertTo-Json'
        $result.Available | Should -BeFalse
        $result.Details | Should -BeLike "*CUDA_VISIBLE_DEVICES is '-1'"
    }
    It 'is refused when CUDA_VISIBLE_DEVICES changes later, because the same name would refer to two cards' {
        $result = Invoke-WithCard '$null = Get-LoadPlan $file -Device cuda:0; $env:CUDA_VISIBLE_DEVICES = "1"
            try { Get-LoadPlan $file -Device cuda:0 -ErrorAction Stop } catch { @{ Id = $_.FullyQualifiedErrorId; Text = "$_" } | ConvertTo-Json }'
        $result.Id | Should -BeLike 'ML7004,*'
        $result.Text | Should -BeLike '*CUDA_VISIBLE_DEVICES*start a new process*'
    }
}
