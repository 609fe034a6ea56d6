BeforeDiscovery {
    . $PSScriptRoot/common.ps1
    # Where libtorch does not load, the devices are listed with the reason; then there is nothing more to test here.
    $torch = Get-MemLoadRuntime | Where-Object Device -EQ torch:cpu
    $what = $torch.Available ? 'torch:cpu' : "torch:cpu (not here: $($torch.Details))"
}
BeforeAll { . $PSScriptRoot/common.ps1 }
AfterAll { Clear-ModelMemory }
Describe 'The TorchSharp assembly' {
    It 'is not loaded by importing the module, by completing a device or by using another one' {
        $script = "Import-Module '$ModulePath'
            `$null = [System.Management.Automation.CommandCompletion]::CompleteInput('New-GptModel -Device t', 22, `$null)
            `$null = New-GptModel -VocabularySize 64 -ContextLength 16 -EmbeddingSize 8 -LayerCount 2 -HeadCount 2
            @([AppDomain]::CurrentDomain.GetAssemblies().GetName().Name -match 'Torch').Count"
        & (Get-Process -Id $PID).Path -NoLogo -NoProfile -NonInteractive -Command $script | Should -Be 0
    }
    It 'is not needed for a refusal in one sentence' {
        $failure = { New-GptModel @TinyGpt -Device cuda:99 -ErrorAction Stop } | Should -Throw -ErrorId 'ML7004,MemLoad.Commands.NewGptModelCommand' -PassThru
        $failure.Exception.Message | Should -Not -Match "`n"
    }
}
Describe '<what>' -ForEach @{ what = $what } {
    It 'runs the model that cpu runs' -Skip:(-not $torch.Available) {
        $here, $there = 'cpu', 'torch:cpu' | ForEach-Object { New-GptModel @TinyGpt -Device $_ }
        $there.Device | Should -Be torch:cpu
        $expected, $logits = $here, $there | ForEach-Object { , (Invoke-GptModel $_ 1, 2, 3).Logits }
        $logits.Count | Should -Be $expected.Count
        0..($logits.Count - 1) | ForEach-Object { [math]::Abs($logits[$_] - $expected[$_]) } | Measure-Object -Maximum | ForEach-Object Maximum | Should -BeLessThan 1e-5
    }
    It 'takes weights by <_>, runs them, writes them again and lets them go' -Skip:(-not $torch.Available) -ForEach Baseline, Sequential, Meta, Mmap, PerTensor, Stream {
        $source, $copy = (Join-Path $TestDrive "source-$_.pth"), (Join-Path $TestDrive "copy-$_.safetensors")
        New-TinyCheckpoint $source
        $model = Import-Weights $source -Device torch:cpu -Strategy $_ -HeadCount 2
        (Invoke-GptModel $model 1, 2).Shape | Should -Be '1,2,64'
        $null = Export-Weights $model $copy
        Remove-GptModel $model
        ((Get-WeightInfo $copy -Hash).Sha256 | Sort-Object) | Should -Be ((Get-WeightInfo $source -Hash).Sha256 | Sort-Object)
    }
    It 'is measured in a process of its own' -Skip:(-not $torch.Available) {
        $file = Join-Path $TestDrive measured.pth
        New-TinyCheckpoint $file
        $rows = 'torch:cpu', 'cpu' | ForEach-Object { Measure-LoadMemory $file -Device $_ -Strategy Stream }
        $rows.Outcome | Should -Be Loaded, Loaded
        @($rows.WeightsDigest | Select-Object -Unique).Count | Should -Be 1
    }
}
